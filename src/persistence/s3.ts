import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { AppError } from "#kernel/errors.ts";

/** Where on an S3-compatible storage things lie. Credentials come from the SDK's standard chain. */
export interface S3Place {
  bucket: string;
  /** Empty, or ending in `/`. */
  prefix: string;
  region: string;
  endpoint: string | undefined;
  /** Bucket in the path instead of the host name, as most servers other than AWS want it. */
  pathStyle: boolean;
}

export interface S3Bucket extends AsyncDisposable {
  readonly client: S3Client;
  readonly name: string;
  keyOf(path: string): string;
  /** Undefined when there is no such object. */
  look(path: string): Promise<StoredObject | undefined>;
  /** Bytes, of a range (both ends count) or all. Throws `object_missing`. */
  read(path: string, range?: { start: number; end: number }): Promise<Uint8Array>;
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Paths that begin so, in no order. */
  list(start: string): AsyncIterable<string>;
  copy(from: string, to: string): Promise<void>;
  /** One that is absent is gone already. */
  remove(path: string): Promise<void>;
}

export interface StoredObject {
  size: number;
  modifiedMs: number;
}

const TRIES = 4;

export function openBucket(place: S3Place): S3Bucket {
  const { bucket, prefix } = place;
  const client = createS3Client(place);
  const at = (path: string) => ({ Bucket: bucket, Key: `${prefix}${path}` });
  return {
    client,
    name: bucket,
    keyOf: (path) => at(path).Key,
    look: async (path) => lookAt(client, at(path)),
    read: async (path, range) => {
      const Range = range && `bytes=${range.start}-${range.end}`;
      return readObject(client, { ...at(path), ...(Range ? { Range } : {}) });
    },
    write: async (path, bytes) => {
      await client.send(new PutObjectCommand({ ...at(path), Body: bytes })).catch((error: unknown) => {
        throw storageError(error);
      });
    },
    list: (start) => listPaths(client, { Bucket: bucket, Prefix: `${prefix}${start}` }, prefix.length),
    copy: async (from, to) => {
      const CopySource = `${bucket}/${at(from).Key.split("/").map(encodeURIComponent).join("/")}`;
      await client.send(new CopyObjectCommand({ ...at(to), CopySource })).catch((error: unknown) => {
        throw isAbsent(error) ? new AppError("object_missing", undefined, { cause: error }) : storageError(error);
      });
    },
    remove: async (path) => {
      await client.send(new DeleteObjectCommand(at(path))).catch((error: unknown) => {
        throw storageError(error);
      });
    },
    [Symbol.asyncDispose]: async () => client.destroy(),
  };
}

async function* listPaths(
  client: S3Client,
  where: { Bucket: string; Prefix: string },
  skipped: number,
): AsyncGenerator<string> {
  try {
    for await (const { Contents = [] } of paginateListObjectsV2({ client }, where)) {
      yield* Contents.flatMap(({ Key }) => (Key === undefined ? [] : [Key.slice(skipped)]));
    }
  } catch (error) {
    throw storageError(error);
  }
}

function createS3Client({ region, endpoint, pathStyle }: S3Place): S3Client {
  return new S3Client({
    region,
    forcePathStyle: pathStyle,
    maxAttempts: TRIES,
    // what is stored is sealed and so checked by itself; not every server takes the SDK's own checksums
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    ...(endpoint === undefined ? {} : { endpoint }),
  });
}

async function lookAt(client: S3Client, at: { Bucket: string; Key: string }): Promise<StoredObject | undefined> {
  try {
    const { ContentLength = 0, LastModified } = await client.send(new HeadObjectCommand(at));
    return { size: ContentLength, modifiedMs: LastModified?.getTime() ?? Date.now() };
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw storageError(error);
  }
}

async function readObject(client: S3Client, at: { Bucket: string; Key: string; Range?: string }): Promise<Uint8Array> {
  try {
    const { Body } = await client.send(new GetObjectCommand(at));
    return (await Body?.transformToByteArray()) ?? new Uint8Array();
  } catch (error) {
    if (isAbsent(error)) throw new AppError("object_missing", undefined, { cause: error });
    throw storageError(error);
  }
}

function isAbsent(error: unknown): boolean {
  const { name, $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } };
  return name === "NoSuchKey" || name === "NotFound" || $metadata?.httpStatusCode === 404;
}

/** The SDK has tried again already. */
export function storageError(cause: unknown): AppError {
  return cause instanceof AppError ? cause : new AppError("storage_unavailable", undefined, { cause });
}
