import { copyFile, mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import packageFile from "../../package.json" with { type: "json" };
import { sha256, sha256OfFile } from "#kernel/digest.ts";
import { AppError } from "#kernel/errors.ts";
import type { DatabaseHandle, Storage } from "#persistence/index.ts";
import { collectFiles } from "./collect.ts";
import { namesIn, readIfThere, syncDirectories, syncPath, writeDigested } from "./files.ts";
import { dumpSnapshot } from "./snapshot.ts";
import { BACKUP_FORMAT, FILE_LIST, MANIFEST, type Manifest } from "./manifest.ts";

export interface BackupRequest {
  handle: DatabaseHandle;
  dataDirectory: string;
  /** Absolute; must not be there, or be empty. */
  to: string;
  /** Absolute; where the keys go. Without it they are in no copy. */
  keysTo?: string | undefined;
  products: boolean;
  /** Where objects and products lie: in the data directory or elsewhere. */
  storage: Pick<Storage, "objects" | "products">;
  /** Digest of the policies in force. */
  policies: string;
  nowMs: number;
}

export interface BackupReport {
  directory: string;
  rows: number;
  files: number;
  bytes: number;
  /** Objects of revoked releases that were not there any more, or do not open. */
  evidenceAbsent: number;
  checkpoint: Manifest["checkpoint"];
  /** Where the keys were written; absent when they were not. */
  keys?: string | undefined;
}

/**
 * Writes a backup: whole under its name, or not at all. Throws `configuration_invalid` for a place that is taken or
 * would hold keys together with what they seal, or when the subjects' ordinals are on another machine, `object_missing` or `bad_arrow_file` when the state itself is damaged.
 */
export async function writeBackup(request: BackupRequest): Promise<BackupReport> {
  const { to, keysTo, dataDirectory } = request;
  await requireFree(to);
  if (keysTo !== undefined) {
    await requireFree(keysTo);
    if (isWithin(keysTo, to) || isWithin(to, keysTo)) throw invalid("keys and the backup must lie apart");
  }
  if (isWithin(to, join(dataDirectory, "objects"))) throw invalid("the backup must not lie among the objects");
  const draft = `${to}.partial`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true, mode: 0o700 });
  try {
    const manifest = await fill(draft, request);
    if (keysTo !== undefined) await copyKeys(dataDirectory, keysTo);
    await syncDirectories(draft);
    await rm(to, { recursive: true, force: true });
    await rename(draft, to);
    await syncPath(join(to, ".."));
    return reportOf(manifest, to, keysTo);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
}

async function fill(draft: string, request: BackupRequest): Promise<Manifest> {
  const { handle, dataDirectory, storage, products, policies, nowMs } = request;
  const { objects, evidence, versions, ingestHome, ...dumped } = await dumpSnapshot(handle, draft);
  const wanted = { objects, evidence, versions: products ? versions : [] };
  if (wanted.versions.length > 0) await requireIngestHome(dataDirectory, ingestHome);
  let count = 0;
  let evidenceAbsent = 0;
  async function* lines(): AsyncGenerator<string> {
    const files = collectFiles({ ...storage, dataDirectory, to: join(draft, "data") }, wanted);
    for (;;) {
      const { done, value } = await files.next();
      if (done) return void ({ evidenceAbsent } = value);
      count += 1;
      yield `${JSON.stringify(value)}\n`;
    }
  }
  const list = await writeDigested(join(draft, FILE_LIST), lines());
  const manifest: Manifest = {
    format: BACKUP_FORMAT,
    createdAt: new Date(nowMs).toISOString(),
    program: packageFile.version,
    database: handle.kind,
    ...dumped,
    policies,
    files: { count, path: FILE_LIST, ...list },
    products,
    evidenceAbsent,
    keys: await keyDigests(dataDirectory),
  };
  await writeFile(join(draft, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, { flag: "wx", mode: 0o600 });
  await syncPath(join(draft, MANIFEST));
  return manifest;
}

/** INVARIANT: products never go without the register of the subjects whose ordinals they hold. */
async function requireIngestHome(dataDirectory: string, home: string | undefined): Promise<void> {
  if (home === undefined) return;
  const mark = (await readIfThere(join(dataDirectory, "ingest-home.json"))) ?? "{}";
  if ((JSON.parse(mark) as { deployment?: unknown }).deployment === home) return;
  throw invalid(
    "products are ingested on another machine, whose data directory holds the register of subjects: " +
      "back up there, or without products",
  );
}

async function keyDigests(dataDirectory: string): Promise<Manifest["keys"]> {
  const directory = join(dataDirectory, "keys");
  const names = await namesIn(directory);
  // twice: the digest of a key file is shown, and must not help to try keys
  return Promise.all(
    names.map(async (name) => ({ name, digest: sha256(`sluice-key/1 ${await sha256OfFile(join(directory, name))}`) })),
  );
}

async function copyKeys(dataDirectory: string, keysTo: string): Promise<void> {
  await mkdir(keysTo, { recursive: true, mode: 0o700 });
  const directory = join(dataDirectory, "keys");
  for (const name of await namesIn(directory)) {
    await copyFile(join(directory, name), join(keysTo, name));
    await syncPath(join(keysTo, name));
  }
  await syncPath(keysTo);
}

async function requireFree(path: string): Promise<void> {
  const found = await stat(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return undefined;
  });
  if (found && (!found.isDirectory() || (await namesIn(path)).length > 0)) throw invalid(`${path} is taken`);
}

function isWithin(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way === "" || !(way.startsWith("..") || way.startsWith("/"));
}

function reportOf(manifest: Manifest, directory: string, keys: string | undefined): BackupReport {
  const { tables, files, checkpoint, evidenceAbsent = 0 } = manifest;
  return {
    directory,
    rows: tables.reduce((sum, { rows }) => sum + rows, 0),
    files: files.count,
    bytes: tables.reduce((sum, { bytes }) => sum + bytes, 0),
    evidenceAbsent,
    checkpoint,
    keys,
  };
}

function invalid(message: string): AppError {
  return new AppError("configuration_invalid", message);
}
