import { randomBytes } from "node:crypto";
import { link, mkdir, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { isAppError } from "#kernel/errors.ts";
import { keyCheckOf, loadObjectKey, secretOf, type ObjectKeySource } from "./object-key.ts";
import { type ObjectStore, openSealedDirectory } from "./objects.ts";
import { openProductBucket, openProductDirectory, type ProductStore } from "./product-store.ts";
import { openBucketObjects } from "./s3-objects.ts";
import { openBucket, type S3Bucket, type S3Place } from "./s3.ts";

export interface StorageOptions {
  place: { kind: "directory" } | ({ kind: "s3" } & S3Place);
  dataDirectory: string;
  key: ObjectKeySource;
}

/** Whose storage it is: written into it once. */
export interface StorageMark {
  read(): Promise<string | undefined>;
  write(deployment: string): Promise<void>;
}

/** Everything that lies outside the database: sealed objects and data products. */
export interface Storage extends AsyncDisposable {
  objects: ObjectStore;
  products: ProductStore;
  mark: StorageMark;
  /** Recognises the key; tells nothing of it. */
  keyCheck: string;
  /** A secret of 32 bytes for a purpose of its own: the same for all who have the key, that is for all replicas. */
  secretFor(purpose: string): Buffer;
}

/** Throws `configuration_invalid` for a key that is missing or unsafe. */
export async function openStorage({ place, dataDirectory, key: source }: StorageOptions): Promise<Storage> {
  const key = await loadObjectKey(source);
  const keyCheck = keyCheckOf(key);
  const secretFor = (purpose: string): Buffer => secretOf(key, purpose);
  if (place.kind === "directory") {
    return {
      objects: await openSealedDirectory(join(dataDirectory, "objects"), key),
      products: openProductDirectory(dataDirectory),
      mark: markOfDirectory(dataDirectory),
      keyCheck,
      secretFor,
      [Symbol.asyncDispose]: async () => undefined,
    };
  }
  const bucket = openBucket(place);
  return {
    objects: openBucketObjects(bucket, key),
    products: openProductBucket({ dataDirectory, bucket, key }),
    mark: markOfBucket(bucket),
    keyCheck,
    secretFor,
    [Symbol.asyncDispose]: async () => bucket[Symbol.asyncDispose](),
  };
}

const MARK = "deployment.json";

function parseMark(text: string): string | undefined {
  const value: unknown = JSON.parse(text);
  const { deployment } = value as { deployment?: unknown };
  return typeof deployment === "string" ? deployment : undefined;
}

/** The mark of a data directory; also whether it is the one where subjects have their ordinals. */
export function markOfDirectory(directory: string, name: string = MARK): StorageMark {
  const path = join(directory, name);
  return {
    read: async () => {
      try {
        return parseMark(await readFile(path, "utf8"));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
      }
    },
    write: async (deployment) => {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const draft = `${path}.${randomBytes(6).toString("hex")}`;
      try {
        await using file = await open(draft, "wx", 0o600);
        await file.writeFile(JSON.stringify({ deployment }));
        await file.sync();
        // the first one stays
        await link(draft, path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      } finally {
        await rm(draft, { force: true });
      }
    },
  };
}

function markOfBucket(bucket: S3Bucket): StorageMark {
  return {
    read: async () => {
      try {
        return parseMark(Buffer.from(await bucket.read(MARK)).toString("utf8"));
      } catch (error) {
        if (isAppError(error, "object_missing")) return undefined;
        throw error;
      }
    },
    write: async (deployment) => bucket.write(MARK, Buffer.from(JSON.stringify({ deployment }))),
  };
}
