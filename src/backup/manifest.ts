import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { AuditCheckpoint } from "#contract/audit.ts";
import { DigestText, Instant } from "#contract/common.ts";
import { AppError } from "#kernel/errors.ts";

export const BACKUP_FORMAT = "sluice-backup/1";
export const MANIFEST = "manifest.json";
/** Lines of `{ path, bytes, digest }`, one for each file below `data`. */
export const FILE_LIST = "files.ndjson";

const File = Type.Object({ path: Type.String(), bytes: Type.Integer({ minimum: 0 }), digest: DigestText });
export type BackupFile = Static<typeof File>;

export const Manifest = Type.Object({
  format: Type.Literal(BACKUP_FORMAT),
  createdAt: Instant,
  program: Type.String(),
  database: Type.Union([Type.Literal("embedded"), Type.Literal("postgres")]),
  /** Those that were applied, in order. */
  migrations: Type.Array(Type.Object({ number: Type.Integer(), name: Type.String(), digest: DigestText })),
  /** Where the audit log ended in the snapshot. */
  checkpoint: AuditCheckpoint,
  /** Of the policies that were in force, which are not part of it. */
  policies: DigestText,
  tables: Type.Array(Type.Object({ name: Type.String(), rows: Type.Integer({ minimum: 0 }), ...File.properties })),
  sequences: Type.Array(Type.Object({ name: Type.String(), value: Type.Union([Type.String(), Type.Null()]) })),
  files: Type.Object({ count: Type.Integer({ minimum: 0 }), ...File.properties }),
  products: Type.Boolean(),
  /** Objects of revoked releases that were not there any more. */
  evidenceAbsent: Type.Optional(Type.Integer({ minimum: 0 })),
  /** Whose state it is, and by what the key is recognised that seals its objects; absent when no server was ever started. */
  deployment: Type.Optional(Type.Object({ id: Type.String(), keyCheck: Type.String() })),
  /** Digest of each key file: a restore notices keys of another deployment. */
  keys: Type.Array(Type.Object({ name: Type.String(), digest: DigestText })),
});
export type Manifest = Static<typeof Manifest>;

/** Throws `configuration_invalid` for what is no backup, or one of another format. */
export async function readManifest(directory: string): Promise<Manifest> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(join(directory, MANIFEST), "utf8"));
  } catch (cause) {
    throw new AppError("configuration_invalid", `${directory} holds no whole backup`, { cause });
  }
  if (Value.Check(Manifest, value)) return value;
  throw new AppError("configuration_invalid", `${directory} holds a backup of another format than ${BACKUP_FORMAT}`);
}

export function parseFile(line: string): BackupFile {
  const value: unknown = JSON.parse(line);
  if (Value.Check(File, value) && isInside(value.path)) return value;
  throw new AppError("configuration_invalid", `${FILE_LIST} of the backup has a line of another form`);
}

/** Paths come from a file: none may lead out of the directory. */
function isInside(path: string): boolean {
  return !path.startsWith("/") && !path.split("/").some((part) => part === "" || part === "." || part === "..");
}
