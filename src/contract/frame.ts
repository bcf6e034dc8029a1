/**
 * Frames between the supervisor and the processes that it confines: raw pipes, file descriptor 3 in and 4 out.
 *
 *     u32 length of what follows | u32 length of the header | header (JSON, UTF-8) | part 0 | part 1 …
 *
 * All integers little-endian. The header's `parts` lists the byte lengths of the binary parts. A frame that is
 * longer than the maximum, or whose lengths do not add up, is refused before anything is read from it.
 */
import { AppError } from "#kernel/errors.ts";

export interface Frame {
  header: Record<string, unknown>;
  parts: Uint8Array[];
}

export const MAX_FRAME_BYTES = 64 * 1024 * 1024;
const MAX_PARTS = 1024;

export function encodeFrame(header: Record<string, unknown>, parts: readonly Uint8Array[] = []): Uint8Array[] {
  const head = Buffer.from(JSON.stringify({ ...header, parts: parts.map((part) => part.byteLength) }));
  const total = parts.reduce((sum, part) => sum + part.byteLength, 4 + head.byteLength);
  if (total > MAX_FRAME_BYTES) throw new AppError("frame_invalid", "the frame is longer than the maximum");
  const prefix = Buffer.alloc(8);
  prefix.writeUInt32LE(total, 0);
  prefix.writeUInt32LE(head.byteLength, 4);
  return [prefix, head, ...parts];
}

/** Cuts a byte stream into frames. Feed chunks to `push`; it returns the frames that they completed. */
export class FrameDecoder {
  readonly #maxBytes: number;
  #chunks: Uint8Array[] = [];
  #buffered = 0;
  #needed = 4;

  constructor(maxBytes: number = MAX_FRAME_BYTES) {
    this.#maxBytes = maxBytes;
  }

  push(chunk: Uint8Array): Frame[] {
    this.#chunks.push(chunk);
    this.#buffered += chunk.byteLength;
    const frames: Frame[] = [];
    while (this.#buffered >= this.#needed) {
      const frame = this.#take();
      if (frame) frames.push(frame);
    }
    return frames;
  }

  /** Bytes of an unfinished frame. */
  get pendingBytes(): number {
    return this.#buffered;
  }

  #take(): Frame | undefined {
    const buffer = this.#chunks.length === 1 ? asBuffer(this.#chunks[0]!) : Buffer.concat(this.#chunks);
    const length = buffer.readUInt32LE(0);
    if (length > this.#maxBytes || length < 4) throw new AppError("frame_invalid", "the frame length is out of range");
    if (buffer.byteLength < 4 + length) {
      this.#chunks = [buffer];
      this.#needed = 4 + length;
      return undefined;
    }
    const rest = buffer.subarray(4 + length);
    this.#chunks = rest.byteLength > 0 ? [rest] : [];
    this.#buffered = rest.byteLength;
    this.#needed = 4;
    return decodeBody(buffer.subarray(4, 4 + length));
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function decodeBody(body: Buffer): Frame {
  const headLength = body.readUInt32LE(0);
  if (headLength > body.byteLength - 4) throw new AppError("frame_invalid", "the header is longer than the frame");
  const header = parseHeader(body.subarray(4, 4 + headLength));
  const lengths = partLengths(header);
  const parts: Uint8Array[] = [];
  let offset = 4 + headLength;
  for (const length of lengths) {
    parts.push(body.subarray(offset, offset + length));
    offset += length;
  }
  if (offset !== body.byteLength) throw new AppError("frame_invalid", "the parts do not fill the frame");
  return { header, parts };
}

function parseHeader(bytes: Buffer): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(bytes.toString("utf8"));
  } catch (cause) {
    throw new AppError("frame_invalid", "the header is not JSON", { cause });
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) {
    throw new AppError("frame_invalid", "the header is not an object");
  }
  return header as Record<string, unknown>;
}

function partLengths(header: Record<string, unknown>): number[] {
  const lengths = header["parts"];
  if (!Array.isArray(lengths) || lengths.length > MAX_PARTS || !lengths.every(isLength)) {
    throw new AppError("frame_invalid", "the part lengths are not a list of lengths");
  }
  return lengths as number[];
}

function isLength(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
