import { BitmapBuilder, isValid, type Mask } from "./bitmap.ts";
import type { FieldNode } from "./flatbuffer-message.ts";
import { GrowableBytes } from "./growable.ts";
import type { LoadedVector } from "./vector.ts";

/** The nodes and buffers of a record batch, in the depth-first order of its fields. */
export interface BatchParts {
  nodes: FieldNode[];
  buffers: Uint8Array[];
}

/** Collects the rows of one column for the batch under way. The parts are valid until `reset`. */
export interface ColumnBuilder {
  /** Appends rows [start, start + count). */
  append(rows: LoadedVector, start: number, count: number): void;
  /** Bytes that appending these rows would add, but for the bitmaps. */
  measure(rows: LoadedVector, start: number, count: number): number;
  collect(parts: BatchParts): void;
  reset(): void;
  byteLength(): number;
}

/** Writes rows [start, start + count) at byte `at` of `target`. What it writes for NULL is overwritten with zeros. */
export type Convert = (rows: LoadedVector, range: { start: number; count: number }, place: Place) => void;

export interface Place {
  target: Uint8Array;
  at: number;
}

export function fixedBuilder(width: number, convert: Convert = copyOf(width)): ColumnBuilder {
  const validity = new BitmapBuilder();
  const values = new GrowableBytes();
  return {
    append(rows, start, count) {
      const at = values.extend(count * width);
      convert(rows, { start, count }, { target: values.bytes, at });
      const nulls = validity.append(rows.mask, start, count);
      if (nulls > 0) clearNulls({ target: values.bytes, at }, { mask: rows.mask!, start, count, width });
    },
    measure: (_rows, _start, count) => count * width,
    collect(parts) {
      parts.nodes.push({ length: validity.length, nullCount: validity.nullCount });
      parts.buffers.push(validity.content(), values.content());
    },
    reset() {
      validity.reset();
      values.reset();
    },
    byteLength: () => values.length + (validity.length >> 3),
  };
}

function copyOf(width: number): Convert {
  return (rows, { start, count }, { target, at }) =>
    target.set(rows.data.subarray(start * width, (start + count) * width), at);
}

interface NullRange {
  mask: Mask;
  start: number;
  count: number;
  width: number;
}

/** INVARIANT: what DuckDB left behind a NULL never leaves: it can be the very value that was suppressed. */
function clearNulls({ target, at }: Place, { mask, start, count, width }: NullRange): void {
  for (let i = 0; i < count; i++) {
    if (isValid(mask, start + i)) continue;
    const begin = at + i * width;
    for (let byte = begin; byte < begin + width; byte++) target[byte] = 0;
  }
}

export function nullBuilder(): ColumnBuilder {
  let length = 0;
  return {
    append(_rows, _start, count) {
      length += count;
    },
    measure: () => 0,
    collect(parts) {
      parts.nodes.push({ length, nullCount: length });
    },
    reset() {
      length = 0;
    },
    byteLength: () => 0,
  };
}

export function booleanBuilder(): ColumnBuilder {
  const validity = new BitmapBuilder();
  const bits = new GrowableBytes();
  return {
    append(rows, start, count) {
      const position = validity.length;
      const fresh = bits.extend(Math.ceil((position + count) / 8) - bits.length);
      bits.bytes.fill(0, fresh, bits.length);
      validity.append(rows.mask, start, count);
      for (let i = 0; i < count; i++) {
        if (rows.data[start + i] !== 1 || (rows.mask && !isValid(rows.mask, start + i))) continue;
        bits.bytes[(position + i) >> 3]! |= 1 << ((position + i) & 7);
      }
    },
    measure: (_rows, _start, count) => Math.ceil(count / 8),
    collect(parts) {
      parts.nodes.push({ length: validity.length, nullCount: validity.nullCount });
      parts.buffers.push(validity.content(), bits.content());
    },
    reset() {
      validity.reset();
      bits.reset();
    },
    byteLength: () => bits.length * 2,
  };
}
