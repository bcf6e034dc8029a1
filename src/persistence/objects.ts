import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Digest, isDigest, sha256 } from "#kernel/digest.ts";
import { AppError } from "#kernel/errors.ts";
import { readOrCreateKey } from "./key-file.ts";

/** Objects named by the digest of their bytes, sealed on disk. */
export interface ObjectStore {
  /** Durable when it resolves. Storing the same bytes again is free. */
  put(bytes: Uint8Array): Promise<Digest>;
  /** Throws `object_missing` when the object is absent, or was changed on disk. */
  get(digest: string): Promise<Uint8Array>;
}

const MAGIC = Buffer.from("SLUICE1\n");
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * A directory of AES-256-GCM sealed files. The key is a file of 32 random bytes (mode 0600) outside the object
 * directory; the digest is authenticated with each object, so that two objects cannot be exchanged.
 */
export async function openObjectStore(directory: string, keyFile: string): Promise<ObjectStore> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const key = await readOrCreateKey(keyFile);
  const pathOf = (digest: Digest) => join(directory, digest.slice(7, 9), digest.slice(7));
  return {
    put: async (bytes) => {
      const digest = sha256(bytes);
      await writeOnce(pathOf(digest), seal(key, digest, bytes));
      return digest;
    },
    get: async (digest) => {
      if (!isDigest(digest)) throw new AppError("object_missing");
      return unseal(key, digest, await readSealed(pathOf(digest)));
    },
  };
}

function seal(key: Buffer, digest: Digest, bytes: Uint8Array): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(digest));
  const body = Buffer.concat([cipher.update(bytes), cipher.final()]);
  return Buffer.concat([MAGIC, iv, cipher.getAuthTag(), body]);
}

function unseal(key: Buffer, digest: Digest, sealed: Buffer): Uint8Array {
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
async function writeOnce(path: string, bytes: Buffer): Promise<void> {
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (exists) return;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  const file = await open(temporary, "wx", 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const parent = await open(dirname(path), "r");
  try {
    await parent.sync();
  } finally {
    await parent.close();
  }
}
