import { mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Clock } from "#kernel/clock.ts";
import { sha256, sha256OfFile } from "#kernel/digest.ts";
import { AppError } from "#kernel/errors.ts";
import { createId } from "#kernel/ids.ts";
import { type DatabaseHandle, type DatabaseOptions, openDatabase } from "#persistence/index.ts";
import { copyDigested, namesIn, syncDirectories, syncPath, writeDigested } from "./files.ts";
import { removeMark, RESTORING } from "./finish.ts";
import { type Load, loadDatabase } from "./load.ts";
import { type BackupFile, FILE_LIST, type Manifest, readManifest } from "./manifest.ts";
import { listedFiles, putFiles, requireNewStorage, type TargetStorage } from "./put-files.ts";

export interface RestoreRequest {
  /** Absolute: where the backup lies. */
  from: string;
  /** Absolute: where the keys lie; needed when the data directory of the backup had any. */
  keysFrom?: string | undefined;
  /** Absolute; must not be there, or be empty. */
  dataDirectory: string;
  /** Address of an empty PostgreSQL database; without it the state is restored into the data directory. */
  postgres?: string | undefined;
  /** Where objects and products go when not into the data directory: nobody's yet, with the key that sealed them. */
  storage?: TargetStorage | undefined;
  clock: Clock;
}

export interface RestoreReport {
  dataDirectory: string;
  createdAt: string;
  rows: number;
  files: number;
  checkpoint: Manifest["checkpoint"];
  /** False: products must be ingested again before jobs can run. */
  products: boolean;
  policies: string;
  /** Webhooks that send nothing until an operator resumes them. */
  pausedWebhooks: string[];
}

/**
 * Makes a deployment of a backup: every digest is compared before anything is written, and all rows are loaded and their log
 * verified in one transaction. A database in the data directory gets its place with it. With one elsewhere the directory is put
 * in its place marked as half done, the commit makes both valid, and then the mark goes. What fails leaves nothing there; what
 * dies can be restored again: what it brought to a storage is found there, and otherwise goes as what nothing needs.
 */
export async function restoreBackup(request: RestoreRequest): Promise<RestoreReport> {
  const { from, keysFrom, dataDirectory, storage, clock } = request;
  const manifest = await readManifest(from);
  await requireFree(dataDirectory);
  if (storage) await requireNewStorage(storage, manifest);
  await verifyDigests(from, manifest);
  await verifyKeys(keysFrom, manifest);
  const draft = `${dataDirectory}.restoring`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true, mode: 0o700 });
  try {
    await putFiles(from, draft, storage);
    if (keysFrom !== undefined) await copyKeys(keysFrom, draft, manifest);
    await keepCheckpoint(draft, manifest);
    const order = { directory: from, manifest, clock, restore: createId("restore", clock.nowMs()) };
    const places = { draft, dataDirectory };
    const { postgres } = request;
    const filled = await (postgres === undefined ? fillInside(places, order) : fillElsewhere(postgres, places, order));
    return reportOf(request, manifest, filled);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
}

function reportOf({ dataDirectory }: RestoreRequest, manifest: Manifest, filled: Filled): RestoreReport {
  const { createdAt, checkpoint, products, policies, files, tables } = manifest;
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  return { dataDirectory, createdAt, rows, files: files.count, checkpoint, products, policies, ...filled };
}

type Filled = Pick<RestoreReport, "pausedWebhooks">;
type Order = Omit<Load, "beforeCommit">;

interface DirectoryPlaces {
  draft: string;
  dataDirectory: string;
}

async function fillInside({ draft, dataDirectory }: DirectoryPlaces, order: Order): Promise<Filled> {
  const database = { kind: "embedded" as const, directory: join(draft, "database") };
  const filled = await fillDatabase(database, order, async () => undefined);
  await syncDirectories(draft);
  await putInPlace(draft, dataDirectory);
  return filled;
}

async function fillElsewhere(url: string, { draft, dataDirectory }: DirectoryPlaces, order: Order): Promise<Filled> {
  await writeDigested(join(draft, RESTORING), [JSON.stringify({ restore: order.restore })]);
  await syncDirectories(draft);
  const filled = await fillDatabase({ kind: "postgres", url, poolSize: 2, statementTimeoutMs: 0 }, order, async () =>
    putInPlace(draft, dataDirectory),
  );
  await removeMark(dataDirectory);
  return filled;
}

async function fillDatabase(
  options: DatabaseOptions,
  order: Order,
  beforeCommit: Load["beforeCommit"],
): Promise<Filled> {
  await using handle: DatabaseHandle = await openDatabase(options);
  return await loadDatabase(handle, { ...order, beforeCommit });
}

/** Nothing there, or what a restore left that died. */
async function requireFree(dataDirectory: string): Promise<void> {
  const names = await namesIn(dataDirectory);
  if (names.length > 0 && !names.includes(RESTORING)) throw invalid(`${dataDirectory} is not empty`);
}

async function putInPlace(draft: string, dataDirectory: string): Promise<void> {
  // what somebody put there meanwhile is not removed
  await requireFree(dataDirectory);
  await rm(dataDirectory, { recursive: true, force: true });
  await rename(draft, dataDirectory);
  await syncPath(dirname(dataDirectory));
}

async function verifyDigests(from: string, { tables, files }: Manifest): Promise<void> {
  for (const file of [...tables, files]) await verifyFile(from, file);
  let count = 0;
  for await (const file of listedFiles(from)) {
    count += 1;
    await verifyFile(join(from, "data"), file);
  }
  if (count !== files.count) throw invalid(`${FILE_LIST} of the backup has ${count} files, not ${files.count}`);
}

async function verifyFile(directory: string, { path, bytes, digest }: BackupFile): Promise<void> {
  const found = await stat(join(directory, path)).catch(() => undefined);
  if (found?.size !== bytes || (await sha256OfFile(join(directory, path))) !== digest) {
    throw new AppError("object_missing", `${path} of the backup is missing or was changed`);
  }
}

/** Objects that no key opens, or tokens of keys that nobody has, would be noticed too late. */
async function verifyKeys(keysFrom: string | undefined, { keys }: Manifest): Promise<void> {
  if (keys.length === 0) return;
  if (keysFrom === undefined) throw invalid("the backup belongs to keys: say where they are (--keys-from)");
  const names = await namesIn(keysFrom);
  for (const { name, digest } of keys) {
    if (!names.includes(name)) throw invalid(`the key ${name} is not in ${keysFrom}`);
    const found = sha256(`sluice-key/1 ${await sha256OfFile(join(keysFrom, name))}`);
    if (found !== digest) throw invalid(`the key ${name} in ${keysFrom} is not the one of the backup`);
  }
}

async function copyKeys(keysFrom: string, draft: string, { keys }: Manifest): Promise<void> {
  for (const { name } of keys) await copyDigested(join(keysFrom, name), join(draft, "keys", name));
}

/** The log is verified from here on: what was kept outside of the database before may be ahead of the backup. */
async function keepCheckpoint(draft: string, { checkpoint }: Manifest): Promise<void> {
  if (checkpoint.seq === 0) return;
  const directory = join(draft, "governance");
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, "checkpoints.ndjson");
  await writeFile(path, `${JSON.stringify(checkpoint)}\n`, { mode: 0o600 });
  await syncPath(path);
}

function invalid(message: string): AppError {
  return new AppError("configuration_invalid", message);
}
