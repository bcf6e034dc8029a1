/**
 * Entry of the ingest process: takes one `ingest` frame on file descriptor 3, answers on 4, and ends. Closing its
 * input or SIGTERM cancels the ingest, which leaves nothing behind.
 */
import { Socket } from "node:net";
import { Value } from "typebox/value";
import { encodeFrame, FrameDecoder } from "#contract/frame.ts";
import { ProductSpec } from "#contract/product.ts";
import { ingestProduct } from "#engine/ingest/index.ts";
import { AppError, isAppError } from "#kernel/errors.ts";
import { takeLock } from "./self-lock.ts";

const input = new Socket({ fd: 3, readable: true, writable: false });
const output = new Socket({ fd: 4, readable: false, writable: true });
const cancel = new AbortController();

process.on("SIGTERM", () => cancel.abort());
// nobody reads any more: there is nobody to work for
output.on("error", () => cancel.abort());

takeLock()();
send({ op: "ready", role: "ingest", pid: process.pid });
const request = await readRequest();
const answer = await answerTo(request);
await new Promise<void>((done) => output.end(Buffer.concat(encodeFrame(answer)), () => done()));
process.exit(answer["ok"] === true ? 0 : 1);

function send(header: Record<string, unknown>): void {
  if (!output.destroyed) output.write(Buffer.concat(encodeFrame(header)));
}

/** The first frame; undefined when the input ended or breaks the protocol. Later frames are not read. */
function readRequest(): Promise<Record<string, unknown> | undefined> {
  const { promise, resolve } = Promise.withResolvers<Record<string, unknown> | undefined>();
  const decoder = new FrameDecoder();
  let taken = false;
  input.on("data", (chunk: Buffer) => {
    if (taken) return;
    try {
      const frame = decoder.push(chunk)[0];
      if (!frame) return;
      taken = true;
      resolve(frame.header);
    } catch {
      resolve(undefined);
    }
  });
  input.on("error", () => resolve(undefined));
  input.on("close", () => {
    resolve(undefined);
    cancel.abort();
  });
  return promise;
}

async function answerTo(header: Record<string, unknown> | undefined): Promise<Record<string, unknown>> {
  const id = typeof header?.["id"] === "number" ? header["id"] : 0;
  try {
    const { spec, directory, subjectsDirectory, memoryBytes } = parseRequest(header);
    const { manifest, manifestDigest } = await ingestProduct({
      spec,
      directory,
      onProgress: (rows) => send({ op: "progress", id, rows }),
      signal: cancel.signal,
      ...(subjectsDirectory === undefined ? {} : { subjectsDirectory }),
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
    });
    return { op: "ingested", id, ok: true, manifest, manifestDigest };
  } catch (error) {
    return { op: "ingested", id, ok: false, error: reportOf(error) };
  }
}

interface IngestRequest {
  spec: ProductSpec;
  directory: string;
  subjectsDirectory: string | undefined;
  memoryBytes: number | undefined;
}

function parseRequest(header: Record<string, unknown> | undefined): IngestRequest {
  const { op, spec, directory, subjectsDirectory, memoryBytes } = header ?? {};
  if (op !== "ingest" || typeof directory !== "string" || !Value.Check(ProductSpec, spec)) {
    throw new AppError("frame_invalid", "the process takes one ingest frame");
  }
  return {
    spec,
    directory,
    subjectsDirectory: typeof subjectsDirectory === "string" ? subjectsDirectory : undefined,
    memoryBytes: typeof memoryBytes === "number" ? memoryBytes : undefined,
  };
}

/** Codes, safe texts and places; an unforeseen error is told on stderr without its message, which may quote data. */
function reportOf(error: unknown): Record<string, unknown> {
  if (isAppError(error)) {
    const { row, column } = error.details ?? {};
    return { code: error.code, message: error.message, row, column };
  }
  const frames = error instanceof Error ? (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line)) : [];
  process.stderr.write(`unforeseen ${error instanceof Error ? error.name : typeof error}\n${frames.join("\n")}\n`);
  return { code: "internal", message: "the ingest failed for a reason that was not foreseen" };
}
