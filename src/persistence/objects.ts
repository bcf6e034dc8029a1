import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Digest, isDigest, sha256 } from "#kernel/digest.ts";
import { AppError } from "#kernel/errors.ts";
import { syncDirectory, writeDurably } from "./write-durably.ts";
import { LEAVING, listObjects, removeObject, restoreLeaving, touch } from "./remove-object.ts";

/** Objects named by the digest of their bytes, sealed on disk. */
export interface ObjectStore {
  /** Durable when it resolves. Storing the same bytes again is free. */
  put(bytes: Uint8Array): Promise<Digest>;
  /** Throws `object_missing` when the object is absent, or was changed on disk. */
  get(digest: string): Promise<Uint8Array>;
  /** An object as it lies in the storage, sealed, for a copy of it. Throws as `get` does: what is copied was whole. */
  getSealed(digest: string): Promise<Uint8Array>;
  /** Stores what `getSealed` gave, there or elsewhere. Throws `object_missing` for what this store's key does not open. */
  putSealed(digest: string, sealed: Uint8Array): Promise<void>;
  /** Digests of all objects, in no order. */
  list(): AsyncIterable<Digest>;
  /** Removes an object, unless it is absent or was stored (again) after `untouchedSinceMs`. Answers whether it did. */
  remove(digest: Digest, untouchedSinceMs: number): Promise<boolean>;
}

const MAGIC = Buffer.from("SLUICE1\n");
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * A directory of AES-256-GCM sealed files. The digest is authenticated with each object, so that two objects cannot be
 * exchanged. The key lies elsewhere (`object-key.ts`).
 */
export async function openSealedDirectory(directory: string, key: Buffer): Promise<ObjectStore> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const pathOf = (digest: Digest) => join(directory, digest.slice(7, 9), digest.slice(7));
  const leaving = join(directory, LEAVING);
  await restoreLeaving(leaving, pathOf);
  return {
    put: async (bytes) => {
      const digest = sha256(bytes);
      if (!(await touch(pathOf(digest)))) await writeWhole(pathOf(digest), seal(key, digest, bytes));
      return digest;
    },
    list: () => listObjects(directory),
    remove: async (digest, untouchedSinceMs) =>
      removeObject(pathOf(digest), { aside: join(leaving, digest.slice(7)), untouchedSinceMs }),
    get: async (digest) => unseal(key, requireDigest(digest), await readSealed(pathOf(requireDigest(digest)))),
    getSealed: async (digest) => checkSealed(key, digest, await readSealed(pathOf(requireDigest(digest)))),
    putSealed: async (digest, sealed) => {
      const checked = checkSealed(key, digest, Buffer.from(sealed));
      await writeWhole(pathOf(requireDigest(digest)), checked);
    },
  };
}

export function requireDigest(digest: string): Digest {
  if (isDigest(digest)) return digest;
  throw new AppError("object_missing");
}

/** Whether it is what the key sealed under this digest; the same bytes. */
export function checkSealed(key: Buffer, digest: string, sealed: Buffer): Buffer {
  unseal(key, requireDigest(digest), sealed);
  return sealed;
}

export function seal(key: Buffer, digest: Digest, bytes: Uint8Array): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(digest));
  const body = Buffer.concat([cipher.update(bytes), cipher.final()]);
  return Buffer.concat([MAGIC, iv, cipher.getAuthTag(), body]);
}

export function unseal(key: Buffer, digest: Digest, sealed: Buffer): Uint8Array {
  const head = MAGIC.byteLength;
  if (sealed.byteLength < head + IV_BYTES + TAG_BYTES) throw new AppError("object_missing");
  const iv = sealed.subarray(head, head + IV_BYTES);
  const tag = sealed.subarray(head + IV_BYTES, head + IV_BYTES + TAG_BYTES);
  const decipher = createDecipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(digest)).setAuthTag(tag);
  try {
    const body = sealed.subarray(head + IV_BYTES + TAG_BYTES);
    return Buffer.concat([decipher.update(body), decipher.final()]);
  } catch (cause) {
    throw new AppError("object_missing", "the object was changed on disk", { cause });
  }
}

async function readSealed(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new AppError("object_missing", undefined, { cause });
  }
}

/** Written beside its place, synced, then moved: a reader sees all of it or nothing. */
async function writeWhole(path: string, bytes: Buffer): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await writeDurably(temporary, bytes).catch(async (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeDurably(temporary, bytes);
    });
    await rename(temporary, path);
  } catch (error) {
    // a full disk must not fill further with what nobody will finish
    await rm(temporary, { force: true });
    throw isFull(error) ? new AppError("storage_full", undefined, { cause: error }) : error;
  }
  await syncDirectory(dirname(path));
}

function isFull(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT", "EFBIG"].includes((error as NodeJS.ErrnoException).code ?? "");
}
