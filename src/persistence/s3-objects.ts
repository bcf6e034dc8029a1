import { isDigest, type Digest, sha256 } from "#kernel/digest.ts";
import { isAppError } from "#kernel/errors.ts";
import { checkSealed, type ObjectStore, requireDigest, seal, unseal } from "./objects.ts";
import type { S3Bucket } from "./s3.ts";

/** An object that is stored again is written again when it is older: `remove` then sees that it is wanted. */
const FRESH_MS = 3_600_000;
const PLACES = ["objects/", "leaving/"] as const;

/**
 * Sealed objects on S3-compatible storage; what the storage's owner sees are digests and sizes.
 *
 * INVARIANT: an object that somebody stores again while it is removed stays. It is copied to `leaving/` before it goes, is
 * found there when it is read, and goes from there only when it has lain there as long as it must be unwanted.
 */
export function openBucketObjects(bucket: S3Bucket, key: Buffer): ObjectStore {
  return {
    put: async (bytes) => {
      const digest = sha256(bytes);
      const known = await bucket.look(pathOf(digest));
      if (known === undefined || known.modifiedMs < Date.now() - FRESH_MS) {
        await bucket.write(pathOf(digest), seal(key, digest, bytes));
      }
      return digest;
    },
    list: async function* () {
      for (const place of PLACES) for await (const path of bucket.list(place)) yield* digestOf(path);
    },
    remove: async (digest, untouchedSinceMs) => removeObject(bucket, digest, untouchedSinceMs),
    get: async (digest) => unseal(key, requireDigest(digest), await readObject(bucket, requireDigest(digest))),
    getSealed: async (digest) => checkSealed(key, digest, await readObject(bucket, requireDigest(digest))),
    putSealed: async (digest, sealed) =>
      bucket.write(pathOf(requireDigest(digest)), checkSealed(key, digest, Buffer.from(sealed))),
  };
}

function pathOf(digest: string, place: (typeof PLACES)[number] = "objects/"): string {
  return `${place}${digest.slice(7, 9)}/${digest.slice(7)}`;
}

function* digestOf(path: string): Generator<Digest> {
  const digest = `sha256:${path.slice(path.lastIndexOf("/") + 1)}`;
  if (isDigest(digest)) yield digest;
}

async function readObject(bucket: S3Bucket, digest: Digest): Promise<Buffer> {
  try {
    return Buffer.from(await bucket.read(pathOf(digest)));
  } catch (error) {
    if (!isAppError(error, "object_missing")) throw error;
    const bytes = await bucket.read(pathOf(digest, "leaving/"));
    // it was stored again in the moment in which it left
    await bucket.write(pathOf(digest), bytes);
    return Buffer.from(bytes);
  }
}

async function removeObject(bucket: S3Bucket, digest: Digest, untouchedSinceMs: number): Promise<boolean> {
  const [path, aside] = [pathOf(digest), pathOf(digest, "leaving/")];
  const known = await bucket.look(path);
  if (known !== undefined) {
    if (known.modifiedMs > untouchedSinceMs) return false;
    await bucket.copy(path, aside);
    await bucket.remove(path);
    return true;
  }
  const left = await bucket.look(aside);
  if (left !== undefined && left.modifiedMs <= untouchedSinceMs) await bucket.remove(aside);
  return false;
}
