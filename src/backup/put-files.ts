import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { sha256 } from "#kernel/digest.ts";
import { AppError } from "#kernel/errors.ts";
import type { Storage } from "#persistence/index.ts";
import { copyDigested, readLines } from "./files.ts";
import { type BackupFile, FILE_LIST, type Manifest, parseFile } from "./manifest.ts";

/** The part of a storage that takes what a backup holds. */
export type TargetStorage = Pick<Storage, "objects" | "products" | "mark" | "keyCheck">;

/**
 * A storage that is nobody's yet, under the key that the backup's objects were sealed with. Throws `configuration_invalid`:
 * two deployments on one storage would remove each other's objects.
 */
export async function requireNewStorage({ mark, keyCheck }: TargetStorage, { deployment }: Manifest): Promise<void> {
  if ((await mark.read()) !== undefined) {
    throw new AppError("configuration_invalid", "the storage belongs to a deployment: restore under another prefix");
  }
  if (deployment !== undefined && deployment.keyCheck !== keyCheck) {
    throw new AppError("configuration_invalid", "the key of the storage is not the one of the backup's objects");
  }
}

export async function* listedFiles(from: string): AsyncGenerator<BackupFile> {
  for await (const line of readLines(join(from, FILE_LIST))) yield parseFile(line);
}

/** Brings every file of the backup where it belongs: into the data directory `draft`, or objects and products to a storage. */
export async function putFiles(from: string, draft: string, storage?: TargetStorage): Promise<void> {
  for await (const file of listedFiles(from)) {
    if (storage && isObject(file)) await putObject(join(from, "data"), file, storage);
    else if (storage && isOfVersion(file)) await putProduct(join(from, "data"), file, storage);
    else await copy(join(from, "data"), draft, file);
  }
}

function isObject({ path }: BackupFile): boolean {
  return path.startsWith("objects/");
}

function isOfVersion({ path }: BackupFile): boolean {
  return path.startsWith("products/");
}

async function putObject(data: string, { path, digest }: BackupFile, { objects }: TargetStorage): Promise<void> {
  const sealed = await readFile(join(data, path));
  if (sha256(sealed) !== digest) throw changed(path);
  await objects.putSealed(`sha256:${basename(path)}`, sealed);
}

/** What a manifest says is in the database; it lies beside products only where they are mounted from. */
async function putProduct(data: string, { path, ...file }: BackupFile, { products }: TargetStorage): Promise<void> {
  if (basename(path) === "manifest.json") return;
  const files = [{ ...file, path: basename(path), columns: [] }];
  await products.keep({ directory: dirname(path), files }, data);
}

async function copy(data: string, draft: string, { path, digest }: BackupFile): Promise<void> {
  const copied = await copyDigested(join(data, path), join(draft, path));
  if (copied.digest !== digest) throw changed(path);
}

function changed(path: string): AppError {
  return new AppError("object_missing", `${path} of the backup was changed`);
}
