import duckdb from "@duckdb/node-bindings";
import { isValid, type Mask } from "./bitmap.ts";

/**
 * The bytes of a vector's strings that are too long to lie in their 16-byte entries: (length u32, prefix 4 bytes,
 * pointer u64), against (length u32, 12 bytes) for a string of up to 12 bytes.
 */
export interface StringHeap {
  copy(pointer: number, length: number, place: BytePlace): void;
}

export interface BytePlace {
  target: Uint8Array;
  at: number;
}

export const INLINE_BYTES = 12;
const HIGH_WORD = 2 ** 32;
/**
 * Strings of one vector lie close together in DuckDB's arenas, so neighbours are fetched with one call. A gap below
 * the page size is readable always: each of its bytes lies on the page of one of the two strings.
 */
const LARGEST_GAP = 1024;
const LOOP_BYTES = 48;

interface Places {
  begins: Float64Array;
  ends: Float64Array;
}

export function loadHeap(data: Uint8Array, size: number, mask: Mask | undefined): StringHeap | undefined {
  const places = longStrings(data, size, mask);
  if (!places) return undefined;
  const segments = mergeNeighbours(places);
  const bytes = segments.begins.map((begin, i) => fetchBytes(begin, segments.ends[i]! - begin));
  let last = 0;
  return {
    copy(pointer, length, { target, at }) {
      if (!(pointer >= segments.begins[last]! && pointer < segments.ends[last]!)) last = find(segments.begins, pointer);
      copyBytes({ source: bytes[last]!, from: pointer - segments.begins[last]!, length, target, at });
    },
  };
}

/** Pointer of entry `row` as a number: user space ends far below 2^53. */
export function pointerOf(words: Uint32Array, row: number): number {
  return words[row * 4 + 2]! + words[row * 4 + 3]! * HIGH_WORD;
}

/** Begin and end of every long string, ordered by address. */
function longStrings(data: Uint8Array, size: number, mask: Mask | undefined): Places | undefined {
  const words = new Uint32Array(data.buffer, data.byteOffset, size * 4);
  const begins: number[] = [];
  const ends: number[] = [];
  let ordered = true;
  for (let row = 0; row < size; row++) {
    const length = words[row * 4]!;
    if (length <= INLINE_BYTES || (mask && !isValid(mask, row))) continue;
    const begin = pointerOf(words, row);
    if (begins.length > 0 && begin < begins[begins.length - 1]!) ordered = false;
    begins.push(begin);
    ends.push(begin + length);
  }
  if (begins.length === 0) return undefined;
  if (ordered) return { begins: Float64Array.from(begins), ends: Float64Array.from(ends) };
  // begin and end grow together up to strings that share bytes, where the merge takes the larger end
  const order = Uint32Array.from(begins.keys()).toSorted((a, b) => begins[a]! - begins[b]!);
  return { begins: Float64Array.from(order, (i) => begins[i]!), ends: Float64Array.from(order, (i) => ends[i]!) };
}

function mergeNeighbours(places: Places): { begins: number[]; ends: number[] } {
  const begins = [places.begins[0]!];
  const ends = [places.ends[0]!];
  for (let i = 1; i < places.begins.length; i++) {
    const last = ends.length - 1;
    if (places.begins[i]! - ends[last]! < LARGEST_GAP) {
      ends[last] = Math.max(ends[last]!, places.ends[i]!);
    } else {
      begins.push(places.begins[i]!);
      ends.push(places.ends[i]!);
    }
  }
  return { begins, ends };
}

function fetchBytes(address: number, length: number): Uint8Array {
  const pointer = BigUint64Array.of(BigInt(address));
  return duckdb.get_data_from_pointer(pointer.buffer, 0, length);
}

/** The last segment that begins at or before the pointer. */
function find(begins: readonly number[], pointer: number): number {
  let low = 0;
  let high = begins.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (begins[middle]! <= pointer) low = middle;
    else high = middle - 1;
  }
  return low;
}

interface ByteCopy {
  source: Uint8Array;
  from: number;
  length: number;
  target: Uint8Array;
  at: number;
}

function copyBytes({ source, from, length, target, at }: ByteCopy): void {
  if (length > LOOP_BYTES) {
    target.set(source.subarray(from, from + length), at);
    return;
  }
  for (let i = 0; i < length; i++) target[at + i] = source[from + i]!;
}
