import { isDigest, sha256 } from "#kernel/digest.ts";
import { AppError } from "#kernel/errors.ts";
import { type ObjectStore, seal, unseal } from "./objects.ts";
import type { S3Bucket } from "./s3.ts";

/** Sealed objects on S3-compatible storage; what the storage's owner sees are digests and sizes. */
export function openBucketObjects(bucket: S3Bucket, key: Buffer): ObjectStore {
  return {
    put: async (bytes) => {
      const digest = sha256(bytes);
      if ((await bucket.size(pathOf(digest))) === undefined) {
        await bucket.write(pathOf(digest), seal(key, digest, bytes));
      }
      return digest;
    },
    get: async (digest) => {
      if (!isDigest(digest)) throw new AppError("object_missing");
      return unseal(key, digest, Buffer.from(await bucket.read(pathOf(digest))));
    },
  };
}

function pathOf(digest: string): string {
  return `objects/${digest.slice(7, 9)}/${digest.slice(7)}`;
}
