import { rm } from "node:fs/promises";
import { join } from "node:path";
import { listEntries } from "#audit/index.ts";
import { AppError } from "#kernel/errors.ts";
import type { Database } from "#persistence/index.ts";
import { readIfThere, syncPath } from "./files.ts";

/**
 * In a data directory whose database lies elsewhere, from before it has its name until the rows are committed. The commit
 * decides: the directory belongs to the restore whose entry is in the audit log.
 */
export const RESTORING = "restoring.json";
export const RESTORED = "backup.restored";

/**
 * Ends a restore that died after its commit. Called before anything else touches the database. Throws
 * `configuration_invalid` for one that died before it: nothing may run on half a state.
 */
export async function finishRestore(db: Database, dataDirectory: string): Promise<void> {
  const restore = await readMark(join(dataDirectory, RESTORING));
  if (restore === undefined) return;
  if (!(await isCommitted(db, restore))) {
    throw new AppError(
      "configuration_invalid",
      `a restore into ${dataDirectory} did not get to its end: restore again`,
    );
  }
  await removeMark(dataDirectory);
}

export async function removeMark(dataDirectory: string): Promise<void> {
  await rm(join(dataDirectory, RESTORING), { force: true });
  await syncPath(dataDirectory);
}

async function readMark(path: string): Promise<string | undefined> {
  const text = await readIfThere(path);
  return text === undefined ? undefined : (JSON.parse(text) as { restore: string }).restore;
}

async function isCommitted(db: Database, restore: string): Promise<boolean> {
  const tables = await db.introspection.getTables();
  if (!tables.some(({ name }) => name === "audit_entries")) return false;
  const subject = { kind: "backup", id: restore };
  return (await listEntries(db, { afterSeq: 0, limit: 1, action: RESTORED, subject })).length > 0;
}
