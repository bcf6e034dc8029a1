import { isValid } from "./bitmap.ts";
import type { Convert } from "./builder.ts";
import type { LoadedVector } from "./vector.ts";

const NANOSECONDS_PER_MICROSECOND = 1000n;

/** Signed integers of 2, 4 or 8 bytes to decimal128: DuckDB keeps a DECIMAL in the narrowest that holds it. */
export function widenDecimal(width: 2 | 4 | 8): Convert {
  if (width === 8) return widenLongs;
  return (rows, { start, count }, { target, at }) => {
    const source = signedItems(rows, width);
    const words = new Int32Array(target.buffer, at, count * 4);
    for (let i = 0; i < count; i++) {
      const value = source[start + i]!;
      const sign = value >> 31;
      words[i * 4] = value;
      words[i * 4 + 1] = sign;
      words[i * 4 + 2] = sign;
      words[i * 4 + 3] = sign;
    }
  };
}

/** Signed integers of 2 bytes to decimal32, the narrowest that Arrow has. */
export const decimalTo32: Convert = (rows, { start, count }, { target, at }) => {
  const words = new Int32Array(target.buffer, at, count);
  words.set(signedItems(rows, 2).subarray(start, start + count));
};

const widenLongs: Convert = (rows, { start, count }, { target, at }) => {
  const source = new Int32Array(rows.data.buffer, rows.data.byteOffset, rows.data.byteLength / 4);
  const words = new Int32Array(target.buffer, at, count * 4);
  for (let i = 0; i < count; i++) {
    const high = source[(start + i) * 2 + 1]!;
    words[i * 4] = source[(start + i) * 2]!;
    words[i * 4 + 1] = high;
    words[i * 4 + 2] = high >> 31;
    words[i * 4 + 3] = high >> 31;
  }
};

function signedItems(rows: LoadedVector, width: 2 | 4): Int16Array | Int32Array {
  const { buffer, byteOffset, byteLength } = rows.data;
  return width === 2
    ? new Int16Array(buffer, byteOffset, byteLength / 2)
    : new Int32Array(buffer, byteOffset, byteLength / 4);
}

/** DuckDB holds a UUID as a little-endian 128-bit integer with its top bit turned over; Arrow as 16 bytes in order. */
export const convertUuid: Convert = (rows, { start, count }, { target, at }) => {
  for (let i = 0; i < count; i++) {
    const from = (start + i) * 16;
    for (let byte = 0; byte < 16; byte++) target[at + i * 16 + byte] = rows.data[from + 15 - byte]!;
    target[at + i * 16]! ^= 0x80;
  }
};

/** (months i32, days i32, microseconds i64) to (months i32, days i32, nanoseconds i64). */
export const convertInterval: Convert = (rows, { start, count }, { target, at }) => {
  target.set(rows.data.subarray(start * 16, (start + count) * 16), at);
  const longs = new BigInt64Array(target.buffer, at, count * 2);
  for (let i = 0; i < count; i++) {
    if (rows.mask && !isValid(rows.mask, start + i)) continue;
    const nanoseconds = longs[i * 2 + 1]! * NANOSECONDS_PER_MICROSECOND;
    if (BigInt.asIntN(64, nanoseconds) !== nanoseconds) throw new RangeError("an interval is too long for Arrow");
    longs[i * 2 + 1] = nanoseconds;
  }
};

/** Unsigned codes of an ENUM to signed indices. */
export function convertCodes(codeBits: 8 | 16 | 32, indexBits: 8 | 16 | 32): Convert {
  return (rows, { start, count }, { target, at }) => {
    const codes = codesOf(rows, codeBits);
    const indices = indicesOver(target, at, { count, bits: indexBits });
    for (let i = 0; i < count; i++) indices[i] = codes[start + i]!;
  };
}

export function codesOf(rows: LoadedVector, bits: 8 | 16 | 32): Uint8Array | Uint16Array | Uint32Array {
  const { buffer, byteOffset, byteLength } = rows.data;
  if (bits === 8) return rows.data;
  if (bits === 16) return new Uint16Array(buffer, byteOffset, byteLength / 2);
  return new Uint32Array(buffer, byteOffset, byteLength / 4);
}

export function indicesOver(
  target: Uint8Array,
  at: number,
  { count, bits }: { count: number; bits: 8 | 16 | 32 },
): Int8Array | Int16Array | Int32Array {
  if (bits === 8) return new Int8Array(target.buffer, at, count);
  if (bits === 16) return new Int16Array(target.buffer, at, count);
  return new Int32Array(target.buffer, at, count);
}
