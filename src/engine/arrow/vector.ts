import duckdb from "@duckdb/node-bindings";
import { intersect, type Mask } from "./bitmap.ts";
import { loadHeap, type StringHeap } from "./string-heap.ts";

/**
 * A DuckDB vector whose memory was copied into ours, column-wise and in DuckDB's own layout. (The binding copies on
 * access, so nothing here points into memory that DuckDB frees.)
 */
export interface LoadedVector {
  mask: Mask | undefined;
  data: Uint8Array;
  heap: StringHeap | undefined;
  children: readonly LoadedVector[];
}

/** Reads the first `size` rows; `outer` marks the rows that can be seen at all (a struct's or list's own validity). */
export type Loader = (vector: duckdb.Vector, size: number, outer: Mask | undefined) => LoadedVector;

const NOTHING = new Uint8Array(0);
const LIST_ENTRY_BYTES = 16;
const STRING_ENTRY_BYTES = 16;

export function fixedLoader(width: number): Loader {
  return (vector, size, outer) => ({
    mask: loadMask(vector, size, outer),
    data: loadData(vector, size * width),
    heap: undefined,
    children: [],
  });
}

export const loadStrings: Loader = (vector, size, outer) => {
  const mask = loadMask(vector, size, outer);
  const data = loadData(vector, size * STRING_ENTRY_BYTES);
  return { mask, data, heap: loadHeap(data, size, mask), children: [] };
};

/** A vector of items of fixed width, none of them NULL. */
export function fixedItems(data: Uint8Array): LoadedVector {
  return { mask: undefined, data, heap: undefined, children: [] };
}

/** A column that is NULL in every row: its memory means nothing. */
export const loadNothing: Loader = () => ({ mask: undefined, data: NOTHING, heap: undefined, children: [] });

export function structLoader(entries: readonly Loader[]): Loader {
  return (vector, size, outer) => {
    const mask = loadMask(vector, size, outer);
    const children = entries.map((load, i) => load(duckdb.struct_vector_get_child(vector, i), size, mask));
    return { mask, data: NOTHING, heap: undefined, children };
  };
}

export function listLoader(item: Loader): Loader {
  return (vector, size, outer) => {
    const mask = loadMask(vector, size, outer);
    const data = loadData(vector, size * LIST_ENTRY_BYTES);
    const itemCount = duckdb.list_vector_get_size(vector);
    const seen = seenItems({ data, mask, size, itemCount });
    return { mask, data, heap: undefined, children: [item(duckdb.list_vector_get_child(vector), itemCount, seen)] };
  };
}

export function arrayLoader(item: Loader, length: number): Loader {
  return (vector, size, outer) => {
    const mask = loadMask(vector, size, outer);
    const seen = mask && seenElements(mask, size, length);
    return {
      mask,
      data: NOTHING,
      heap: undefined,
      children: [item(duckdb.array_vector_get_child(vector), size * length, seen)],
    };
  };
}

function loadMask(vector: duckdb.Vector, size: number, outer: Mask | undefined): Mask | undefined {
  const bytes: Uint8Array | null = duckdb.vector_get_validity(vector, Math.ceil(size / 64) * 8);
  return intersect(bytes ?? undefined, outer);
}

/** Memory at a multiple of 8, so that typed arrays can lie over it. */
function loadData(vector: duckdb.Vector, byteCount: number): Uint8Array {
  if (byteCount === 0) return NOTHING;
  const bytes = duckdb.vector_get_data(vector, byteCount);
  return bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
}

interface ListEntries {
  data: Uint8Array;
  mask: Mask | undefined;
  size: number;
  itemCount: number;
}

/**
 * The items that some list refers to. The others may never have been written: their string pointers must not be
 * followed. Nothing when every item is referred to, which is how DuckDB lays lists out as a rule.
 */
function seenItems(entries: ListEntries): Mask | undefined {
  const { mask, size, itemCount } = entries;
  const words = new Uint32Array(entries.data.buffer, entries.data.byteOffset, size * 4);
  const seen = new Uint8Array(Math.ceil(itemCount / 64) * 8);
  let seenCount = 0;
  for (let row = 0; row < size; row++) {
    if (mask && ((mask[row >> 3]! >> (row & 7)) & 1) === 0) continue;
    const begin = words[row * 4]!;
    const length = words[row * 4 + 2]!;
    if (begin + length > itemCount) throw new RangeError("a list refers to items that its vector does not have");
    seenCount += length;
    for (let item = begin; item < begin + length; item++) seen[item >> 3]! |= 1 << (item & 7);
  }
  return seenCount === itemCount && isFull(seen, itemCount) ? undefined : seen;
}

function isFull(mask: Mask, count: number): boolean {
  for (let i = 0; i < count >> 3; i++) if (mask[i] !== 0xff) return false;
  const rest = count & 7;
  return rest === 0 || mask[count >> 3] === (1 << rest) - 1;
}

function seenElements(mask: Mask, size: number, length: number): Mask {
  const seen = new Uint8Array(Math.ceil((size * length) / 64) * 8);
  for (let item = 0; item < size * length; item++) {
    const row = Math.floor(item / length);
    if ((mask[row >> 3]! >> (row & 7)) & 1) seen[item >> 3]! |= 1 << (item & 7);
  }
  return seen;
}
