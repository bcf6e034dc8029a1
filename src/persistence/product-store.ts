import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type { ProductFile } from "#contract/product.ts";
import { AppError } from "#kernel/errors.ts";
import { type S3Bucket, storageError } from "./s3.ts";
import {
  createFileSeal,
  type FileSeal,
  HEAD_BYTES,
  PIECE_BYTES,
  pieceCount,
  readFileSeal,
  SEALED_PIECE_BYTES,
  sealedSize,
} from "./sealed-file.ts";

export interface StoredFile {
  /** Directory of the version, relative to where products lie. */
  directory: string;
  file: ProductFile;
}

/** The files of published versions. */
export interface ProductStore {
  /**
   * Keeps the files of a version that an ingest made under the data directory, or that lie under `from`: durable when it
   * resolves.
   */
  keep(version: { directory: string; files: readonly ProductFile[] }, from?: string): Promise<void>;
  /** Bytes of a file from `start` on. Throws `object_missing`. */
  open(stored: StoredFile, start: number): Promise<Readable>;
}

/** Products stay where ingest made them. */
export function openProductDirectory(dataDirectory: string): ProductStore {
  return {
    keep: async () => undefined,
    open: async ({ directory, file }, start) => {
      const stream = createReadStream(join(dataDirectory, pathOf(directory, file)), { start, highWaterMark: 1 << 20 });
      await new Promise<void>((resolve, reject) => {
        stream.once("open", () => resolve());
        stream.once("error", (cause) => reject(new AppError("object_missing", undefined, { cause })));
      });
      return stream;
    },
  };
}

/** Products on S3-compatible storage, each file sealed. */
export function openProductBucket(options: { dataDirectory: string; bucket: S3Bucket; key: Buffer }): ProductStore {
  const { bucket, key, dataDirectory } = options;
  return {
    keep: async ({ directory, files }, from = dataDirectory) => {
      for (const file of files) {
        const path = pathOf(directory, file);
        if ((await bucket.look(path))?.size === sealedSize(file.bytes)) continue;
        await upload(bucket, { path, source: join(from, path), file, seal: createFileSeal(key, path) });
      }
    },
    open: async ({ directory, file }, start) => {
      const path = pathOf(directory, file);
      const seal = readFileSeal(key, path, await bucket.read(path, { start: 0, end: HEAD_BYTES - 1 }));
      return Readable.from(readPieces(bucket, { path, bytes: file.bytes, seal }, start), { objectMode: false });
    },
  };
}

/** INVARIANT: a file of a version lies in its directory, whatever a manifest says. */
function pathOf(directory: string, { path }: ProductFile): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,200}$/.test(path)) throw new AppError("object_missing");
  return `${directory}/${path}`;
}

interface Upload {
  path: string;
  source: string;
  file: ProductFile;
  seal: FileSeal;
}

/** A part a piece. It becomes an object only when all of its bytes were those of the manifest. */
async function upload(bucket: S3Bucket, { path, source, file, seal }: Upload): Promise<void> {
  const { client, name: Bucket } = bucket;
  const place = { Bucket, Key: bucket.keyOf(path) };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(place)).catch(fail);
  try {
    const Parts: { ETag: string; PartNumber: number }[] = [];
    for await (const { body, index } of sealedPieces(source, file, seal)) {
      const PartNumber = index + 1;
      const { ETag = "" } = await client.send(new UploadPartCommand({ ...place, UploadId, PartNumber, Body: body }));
      Parts.push({ ETag, PartNumber });
    }
    await client.send(new CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload: { Parts } }));
  } catch (error) {
    // what was uploaded of it is nobody's; a server that cannot be told so expires it
    await client.send(new AbortMultipartUploadCommand({ ...place, UploadId })).catch(() => undefined);
    throw storageError(error);
  }
}

function fail(error: unknown): never {
  throw storageError(error);
}

async function* sealedPieces(source: string, file: ProductFile, seal: FileSeal) {
  const count = pieceCount(file.bytes);
  const hash = createHash("sha256");
  let index = 0;
  for await (const piece of piecesOf(source)) {
    hash.update(piece);
    const last = index === count - 1;
    if (last && `sha256:${hash.digest("hex")}` !== file.digest) throw changed(file);
    if (index >= count) throw changed(file);
    const body = seal.seal(piece, { index, last });
    yield { index, body: index === 0 ? Buffer.concat([seal.head, body]) : body };
    index++;
  }
  if (index !== count) throw changed(file);
}

function changed({ path }: ProductFile): AppError {
  return new AppError("bad_arrow_file", `${path} is not what its manifest says`);
}

/** Pieces of the one size, the last one smaller; one empty piece of an empty file. */
async function* piecesOf(path: string): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let bytes = 0;
  let any = false;
  for await (const chunk of createReadStream(path, { highWaterMark: PIECE_BYTES }) as AsyncIterable<Buffer>) {
    held.push(chunk);
    bytes += chunk.byteLength;
    while (bytes >= PIECE_BYTES) {
      const all = Buffer.concat(held);
      yield all.subarray(0, PIECE_BYTES);
      any = true;
      held = [all.subarray(PIECE_BYTES)];
      bytes -= PIECE_BYTES;
    }
  }
  if (bytes > 0 || !any) yield Buffer.concat(held);
}

async function* readPieces(
  bucket: S3Bucket,
  { path, bytes, seal }: { path: string; bytes: number; seal: FileSeal },
  start: number,
): AsyncGenerator<Buffer> {
  const count = pieceCount(bytes);
  let skip = start % PIECE_BYTES;
  for (let index = Math.floor(start / PIECE_BYTES); index < count; index++) {
    const first = HEAD_BYTES + index * SEALED_PIECE_BYTES;
    const end = Math.min(first + SEALED_PIECE_BYTES, sealedSize(bytes)) - 1;
    const sealed = await bucket.read(path, { start: first, end });
    const piece = seal.unseal(sealed, { index, last: index === count - 1 });
    yield piece.subarray(skip);
    skip = 0;
  }
}
