import { GrowableBytes } from "./growable.ts";

/** A validity bitmap as DuckDB and Arrow share it: bit i of byte i/8, least significant first, 1 = not NULL. */
export type Mask = Uint8Array;

export function isValid(mask: Mask, index: number): boolean {
  return ((mask[index >> 3]! >> (index & 7)) & 1) === 1;
}

/** Rows that both masks call valid. */
export function intersect(a: Mask | undefined, b: Mask | undefined): Mask | undefined {
  if (!a || !b) return a ?? b;
  const both = new Uint8Array(Math.min(a.byteLength, b.byteLength));
  for (let i = 0; i < both.length; i++) both[i] = a[i]! & b[i]!;
  return both;
}

/** Collects a column's validity; the bits are made only once a NULL has come. */
export class BitmapBuilder {
  #bits: GrowableBytes | undefined;
  #length = 0;
  #nullCount = 0;

  get nullCount(): number {
    return this.#nullCount;
  }

  get length(): number {
    return this.#length;
  }

  /** Appends rows [start, start + count) of `mask`; returns how many of them are NULL. */
  append(mask: Mask | undefined, start: number, count: number): number {
    const nulls = mask ? countZeros(mask, start, count) : 0;
    if (nulls > 0 && !this.#bits) this.#begin();
    if (this.#bits) appendBits(this.#bits, this.#length, { bytes: mask, start, count });
    this.#length += count;
    this.#nullCount += nulls;
    return nulls;
  }

  /** The bitmap, or nothing when no row is NULL (Arrow lets it be left out then). */
  content(): Uint8Array {
    return this.#bits && this.#nullCount > 0 ? this.#bits.content() : new Uint8Array(0);
  }

  reset(): void {
    this.#bits = undefined;
    this.#length = 0;
    this.#nullCount = 0;
  }

  #begin(): void {
    this.#bits = new GrowableBytes();
    appendBits(this.#bits, 0, { bytes: undefined, start: 0, count: this.#length });
  }
}

interface BitRange {
  /** Absent: all ones. */
  bytes: Uint8Array | undefined;
  start: number;
  count: number;
}

/** Appends bits at bit `position`, which is the end of what `target` holds. Bits past the end stay zero. */
function appendBits(target: GrowableBytes, position: number, range: BitRange): void {
  const end = position + range.count;
  const fresh = target.extend(Math.ceil(end / 8) - target.length);
  target.bytes.fill(0, fresh, target.length);
  let done = 0;
  if ((position & 7) === 0 && (range.start & 7) === 0) {
    const whole = range.count >> 3;
    copyBytes(target.bytes, position >> 3, { ...range, count: whole });
    done = whole * 8;
  }
  const { bytes, start } = range;
  for (let i = done; i < range.count; i++) {
    const at = position + i;
    if (!bytes || isValid(bytes, start + i)) target.bytes[at >> 3]! |= 1 << (at & 7);
  }
}

function copyBytes(target: Uint8Array, at: number, range: BitRange): void {
  const { bytes, count } = range;
  if (!bytes) target.fill(0xff, at, at + count);
  else target.set(bytes.subarray(range.start >> 3, (range.start >> 3) + count), at);
}

function countZeros(mask: Mask, start: number, count: number): number {
  let zeros = 0;
  let i = start;
  const end = start + count;
  while (i < end) {
    if ((i & 7) === 0 && end - i >= 8) {
      zeros += ZEROS_OF_BYTE[mask[i >> 3]!]!;
      i += 8;
    } else {
      if (!isValid(mask, i)) zeros++;
      i++;
    }
  }
  return zeros;
}

const ZEROS_OF_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => {
  let ones = 0;
  for (let bits = byte; bits > 0; bits >>= 1) ones += bits & 1;
  return 8 - ones;
});
