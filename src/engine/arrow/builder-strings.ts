import { BitmapBuilder, isValid } from "./bitmap.ts";
import type { ColumnBuilder } from "./builder.ts";
import { GrowableBytes } from "./growable.ts";
import { INLINE_BYTES, pointerOf } from "./string-heap.ts";
import type { LoadedVector } from "./vector.ts";

const ENTRY_BYTES = 16;
const PREFIX_AT = 4;

/** VARCHAR and BLOB: 32-bit offsets and the bytes. */
export function stringBuilder(): ColumnBuilder {
  const validity = new BitmapBuilder();
  const offsets = new OffsetsBuilder();
  const bytes = new GrowableBytes();
  return {
    append(rows, start, count) {
      const words = wordsOf(rows);
      const begin = bytes.extend(totalLength(rows, words, { start, count }));
      const ends = offsets.extend(count);
      let at = begin;
      for (let i = 0; i < count; i++) {
        if (!rows.mask || isValid(rows.mask, start + i)) {
          at = copyString({ rows, words, row: start + i }, bytes.bytes, at);
        }
        ends[i] = at;
      }
      validity.append(rows.mask, start, count);
    },
    measure: (rows, start, count) => totalLength(rows, wordsOf(rows), { start, count }) + count * 4,
    collect(parts) {
      parts.nodes.push({ length: validity.length, nullCount: validity.nullCount });
      parts.buffers.push(validity.content(), offsets.content(), bytes.content());
    },
    reset() {
      validity.reset();
      offsets.reset();
      bytes.reset();
    },
    byteLength: () => bytes.length + offsets.byteLength + (validity.length >> 3),
  };
}

/** Arrow's offsets: one more than there are rows, the first is zero. */
export class OffsetsBuilder {
  readonly #bytes = new GrowableBytes();

  constructor() {
    this.reset();
  }

  get byteLength(): number {
    return this.#bytes.length;
  }

  /** The end of the last row. */
  get last(): number {
    const { bytes, length } = this.#bytes;
    return new Int32Array(bytes.buffer, length - 4, 1)[0]!;
  }

  /** Room for the ends of `count` further rows, to be filled at once. */
  extend(count: number): Int32Array {
    const at = this.#bytes.extend(count * 4);
    return new Int32Array(this.#bytes.bytes.buffer, at, count);
  }

  content(): Uint8Array {
    return this.#bytes.content();
  }

  reset(): void {
    this.#bytes.reset();
    this.extend(1)[0] = 0;
  }
}

/** The 16-byte entries of strings or lists as words. */
export function wordsOf({ data }: LoadedVector): Uint32Array {
  return new Uint32Array(data.buffer, data.byteOffset, data.byteLength / 4);
}

function totalLength(rows: LoadedVector, words: Uint32Array, range: { start: number; count: number }): number {
  const { mask } = rows;
  const end = range.start + range.count;
  let total = 0;
  for (let row = range.start; row < end; row++) {
    if (!mask || isValid(mask, row)) total += words[row * 4]!;
  }
  return total;
}

interface Entry {
  rows: LoadedVector;
  words: Uint32Array;
  row: number;
}

/** Copies one string to `at` and returns its end. */
function copyString({ rows, words, row }: Entry, target: Uint8Array, at: number): number {
  const length = words[row * 4]!;
  if (length > INLINE_BYTES) {
    rows.heap!.copy(pointerOf(words, row), length, { target, at });
    return at + length;
  }
  const from = row * ENTRY_BYTES + PREFIX_AT;
  const { data } = rows;
  for (let i = 0; i < length; i++) target[at + i] = data[from + i]!;
  return at + length;
}
