/**
 * Backup and restore of the whole state: the database in one snapshot, as lines of JSON that both kinds of database write
 * and read, the sealed objects that it names, product versions, the register of subjects, and, somewhere else, the keys.
 * Every file is listed with its digest in a manifest that is written last.
 *
 * It must never put keys and what they seal in one place, nor restore over anything.
 */
export { type BackupReport, type BackupRequest, writeBackup } from "./write.ts";
export { type RestoreReport, type RestoreRequest, restoreBackup } from "./restore.ts";
export { finishRestore } from "./finish.ts";
