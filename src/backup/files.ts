import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, open, readFile, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";
import type { Digest } from "#kernel/digest.ts";

export interface Copied {
  bytes: number;
  digest: Digest;
}

/** Copies a file durably, digesting what was read; only its owner may read the copy. */
export async function copyDigested(from: string, to: string): Promise<Copied> {
  await using source = await open(from, "r");
  return await writeDigested(to, source.createReadStream({ highWaterMark: 1 << 20, autoClose: false }));
}

/** Writes pieces durably, digesting them. The file must not be there yet. */
export async function writeDigested(
  to: string,
  pieces: AsyncIterable<string | Buffer> | Iterable<string | Uint8Array>,
): Promise<Copied> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  const hash = createHash("sha256");
  let bytes = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      const chunk = typeof piece === "string" ? Buffer.from(piece) : piece;
      hash.update(chunk);
      bytes += chunk.byteLength;
      yield chunk;
    }
  }
  await pipeline(counted(), createWriteStream(to, { flags: "wx", mode: 0o600 }));
  await syncPath(to);
  return { bytes, digest: `sha256:${hash.digest("hex")}` };
}

export async function syncPath(path: string): Promise<void> {
  await using file = await open(path, "r");
  await file.sync();
}

/** Directories below and with `path`, deepest first, so that names are durable before what holds them. */
export async function syncDirectories(path: string): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory()) await syncDirectories(join(path, entry.name));
  }
  await syncPath(path);
}

export async function* readLines(path: string): AsyncGenerator<string> {
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) if (line !== "") yield line;
}

/** Names in a directory; none when it is not there. */
export async function namesIn(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).toSorted();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

export async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(ignoreAbsent);
}

/** Of a file that is not there: undefined. */
export function ignoreAbsent(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}
