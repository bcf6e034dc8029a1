import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Type } from "typebox";
import { Value } from "typebox/value";
import { canonicalJson } from "#kernel/canonical-json.ts";
import { sha256 } from "#kernel/digest.ts";
import { AppError, isAppError } from "#kernel/errors.ts";
import type { ObjectStore, ProductStore, StoredFile } from "#persistence/index.ts";
import type { Dump, PublishedVersion } from "./dump.ts";
import { copyDigested, ignoreAbsent, readIfThere, writeDigested } from "./files.ts";
import type { BackupFile } from "./manifest.ts";

export interface Places {
  objects: ObjectStore;
  products: ProductStore;
  dataDirectory: string;
  /** Where the copies go. */
  to: string;
}

/**
 * Copies the files that the snapshot needs, from wherever they are stored, below `to` as they lie below a data directory:
 * objects sealed, products as they are. Objects and versions never change, and go a day after nothing needs them at the
 * earliest; so they can be copied after the snapshot. One object, or a piece of a product, is in memory at a time.
 */
export async function* collectFiles(
  places: Places,
  { objects, evidence, versions }: Pick<Dump, "objects" | "evidence" | "versions">,
): AsyncGenerator<BackupFile, { evidenceAbsent: number }> {
  for (const object of objects) yield await copyObject(places, object);
  let evidenceAbsent = 0;
  for (const object of evidence) {
    const copied = await copyIfKept(places, object);
    if (copied) yield copied;
    else evidenceAbsent++;
  }
  for (const version of versions) yield* copyVersion(places, version);
  // after the snapshot: the register only grows, so it knows every subject of the versions above
  if (versions.length > 0) yield* copyRegister(places.dataDirectory, places.to);
  return { evidenceAbsent };
}

/** Retention removes evidence when its time is over and leaves no row that says so; how long that is can be changed. */
async function copyIfKept(places: Places, object: string): Promise<BackupFile | undefined> {
  try {
    return await copyObject(places, object);
  } catch (error) {
    if (!isAppError(error, "object_missing")) throw error;
    return undefined;
  }
}

async function copyObject({ objects, to }: Places, object: string): Promise<BackupFile> {
  const hex = object.slice("sha256:".length);
  const path = join("objects", hex.slice(0, 2), hex);
  const sealed = await objects.getSealed(object).catch((cause: unknown) => {
    if (!isAppError(cause, "object_missing")) throw cause;
    throw new AppError("object_missing", `${path} is missing or was changed`, { cause });
  });
  return { path, ...(await writeDigested(join(to, path), [sealed])) };
}

async function* copyVersion({ products, to }: Places, version: PublishedVersion): AsyncGenerator<BackupFile> {
  const { directory, manifest } = version;
  const text = canonicalJson(manifest);
  if (sha256(text) !== version.digest) throw new AppError("bad_arrow_file", `the manifest of ${directory} was changed`);
  const path = join(directory, "manifest.json");
  yield { path, ...(await writeDigested(join(to, path), [text])) };
  for (const file of manifest.files) {
    const copied = await copyProductFile(products, { directory, file }, to);
    if (copied.digest !== file.digest) throw new AppError("bad_arrow_file", `${copied.path} does not match its digest`);
    yield copied;
  }
}

async function copyProductFile(products: ProductStore, stored: StoredFile, to: string): Promise<BackupFile> {
  const path = join(stored.directory, stored.file.path);
  try {
    const stream: AsyncIterable<Buffer> = await products.open(stored, 0);
    return { path, ...(await writeDigested(join(to, path), stream)) };
  } catch (cause) {
    if (!isAppError(cause, "object_missing")) throw cause;
    throw new AppError("bad_arrow_file", `${path} is missing or was changed`, { cause });
  }
}

interface Copy {
  from: string;
  to: string;
  text: string;
}

const REGISTER = join("governance", "subjects");
const Register = Type.Object({ segments: Type.Array(Type.Object({ path: Type.String(), digest: Type.String() })) });
const TRIES = 5;

/**
 * Segments can be joined while they are copied, and the old ones go: then another index names what there is, and it
 * begins again. The index is written as it was read, so that it names the segments that were copied.
 */
async function* copyRegister(from: string, to: string): AsyncGenerator<BackupFile> {
  const index = join(REGISTER, "registry.json");
  for (let tries = 1; ; tries++) {
    const text = await readIfThere(join(from, index));
    if (text === undefined) return;
    const segments = await copySegments({ from, to, text });
    if (segments) {
      yield* segments;
      yield { path: index, ...(await writeDigested(join(to, index), [text])) };
      return;
    }
    await rm(join(to, REGISTER), { recursive: true, force: true });
    if (tries === TRIES) throw new AppError("conflict", "the register of subjects changes all the time: try again");
  }
}

async function copySegments({ from, to, text }: Copy): Promise<BackupFile[] | undefined> {
  const value: unknown = JSON.parse(text);
  if (!Value.Check(Register, value)) throw new AppError("subject_registry_damaged");
  const copied: BackupFile[] = [];
  for (const { path: name, digest } of value.segments) {
    const path = join(REGISTER, name);
    const file = await copyDigested(join(from, path), join(to, path)).catch(ignoreAbsent);
    if (!file) return undefined;
    if (file.digest !== digest) throw new AppError("subject_registry_damaged", `${path} does not match its digest`);
    copied.push({ path, ...file });
  }
  return copied;
}
