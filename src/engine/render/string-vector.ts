import type { LoadedVector } from "../arrow/index.ts";
import { InvalidTable } from "./invalid-table.ts";

const ENTRY_BYTES = 16;
const INLINE_BYTES = 12;

/** Strings in DuckDB's layout: short ones in their entries, pointers of the others are offsets into bytes of ours. */
export function stringVector(
  column: string,
  values: readonly unknown[],
  parse: (value: unknown) => Uint8Array | undefined,
): LoadedVector {
  const data = new Uint8Array(values.length * ENTRY_BYTES);
  const view = new DataView(data.buffer);
  const long: Uint8Array[] = [];
  let longBytes = 0;
  values.forEach((value, i) => {
    if (value === null) return;
    const bytes = parse(value);
    if (!bytes) throw misfit(column);
    view.setUint32(i * ENTRY_BYTES, bytes.byteLength, true);
    if (bytes.byteLength <= INLINE_BYTES) {
      data.set(bytes, i * ENTRY_BYTES + 4);
      return;
    }
    view.setBigUint64(i * ENTRY_BYTES + 8, BigInt(longBytes), true);
    long.push(bytes);
    longBytes += bytes.byteLength;
  });
  const heap = Buffer.concat(long);
  return {
    mask: maskOf(values),
    data,
    heap: { copy: (pointer, length, { target, at }) => target.set(heap.subarray(pointer, pointer + length), at) },
    children: [],
  };
}

export function misfit(column: string): InvalidTable {
  return new InvalidTable("a value does not fit the type of its column", column);
}

/** Validity bits, padded like DuckDB's to whole words. */
export function maskOf(values: readonly unknown[]): Uint8Array | undefined {
  if (!values.includes(null)) return undefined;
  const mask = new Uint8Array(Math.ceil(values.length / 64) * 8);
  values.forEach((value, i) => {
    if (value !== null) mask[i >> 3]! |= 1 << (i & 7);
  });
  return mask;
}
