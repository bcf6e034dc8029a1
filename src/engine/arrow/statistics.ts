import { isValid } from "./bitmap.ts";
import type { LoadedVector } from "./vector.ts";

/** How the items of a column lie in a vector, for comparing them. */
export type ItemKind = "i8" | "u8" | "i16" | "u16" | "i32" | "u32" | "i64" | "u64" | "f32" | "f64";

/**
 * Smallest and largest item of a batch, in the column's own unit (days, microseconds, unscaled decimals). Items of 64
 * bits are decimal text; NaN and infinities their names (NaN is the greatest, as DuckDB orders). `null`: only NULLs.
 */
export type Bound = number | string | null;

export interface RangeTracker {
  observe(rows: LoadedVector, start: number, count: number): void;
  /** The bounds since the last call. */
  take(): { min: Bound; max: Bound };
}

/** The footer's `sluice_stats`: for each column that has an order, its bounds by batch. */
export interface BatchStatistics {
  columns: { name: string; min: Bound[]; max: Bound[] }[];
}

export function rangeTracker(kind: ItemKind): RangeTracker {
  return kind === "i64" || kind === "u64" ? trackLongs(kind) : trackNumbers(kind);
}

function trackNumbers(kind: Exclude<ItemKind, "i64" | "u64">): RangeTracker {
  let min = Infinity;
  let max = -Infinity;
  let seen = false;
  let nan = false;
  return {
    observe(rows, start, count) {
      const items = numbersOf(rows.data, kind);
      const { mask } = rows;
      for (let i = start; i < start + count; i++) {
        if (mask && !isValid(mask, i)) continue;
        const item = items[i]!;
        if (item < min) min = item;
        if (item > max) max = item;
        if (item !== item) nan = true;
        else seen = true;
      }
    },
    take() {
      const bounds = nan
        ? { min: seen ? boundOf(min) : "NaN", max: "NaN" }
        : { min: seen ? boundOf(min) : null, max: seen ? boundOf(max) : null };
      min = Infinity;
      max = -Infinity;
      seen = nan = false;
      return bounds;
    },
  };
}

function boundOf(value: number): Bound {
  return Number.isFinite(value) ? value : String(value);
}

type Numbers =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array;

const VIEWS = {
  i8: Int8Array,
  u8: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  f32: Float32Array,
  f64: Float64Array,
} as const;

function numbersOf(data: Uint8Array, kind: keyof typeof VIEWS): Numbers {
  const View = VIEWS[kind];
  return new View(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength / View.BYTES_PER_ELEMENT);
}

/** Compares halves, because a BigInt for each item would cost more than everything else in this folder. */
function trackLongs(kind: "i64" | "u64"): RangeTracker {
  // turning the sign bit over makes the signed order that of unsigned halves
  const flip = kind === "i64" ? 0x80000000 : 0;
  const bounds = { seen: false, minHigh: 0, minLow: 0, maxHigh: 0, maxLow: 0 };
  return {
    observe(rows, start, count) {
      const words = new Uint32Array(rows.data.buffer, rows.data.byteOffset, rows.data.byteLength / 4);
      for (let i = start; i < start + count; i++) {
        if (rows.mask && !isValid(rows.mask, i)) continue;
        const high = (words[i * 2 + 1]! ^ flip) >>> 0;
        const low = words[i * 2]!;
        if (!bounds.seen || high < bounds.minHigh || (high === bounds.minHigh && low < bounds.minLow)) {
          bounds.minHigh = high;
          bounds.minLow = low;
        }
        if (!bounds.seen || high > bounds.maxHigh || (high === bounds.maxHigh && low > bounds.maxLow)) {
          bounds.maxHigh = high;
          bounds.maxLow = low;
        }
        bounds.seen = true;
      }
    },
    take() {
      const { seen } = bounds;
      bounds.seen = false;
      if (!seen) return { min: null, max: null };
      return {
        min: longText(bounds.minHigh, bounds.minLow, flip),
        max: longText(bounds.maxHigh, bounds.maxLow, flip),
      };
    },
  };
}

function longText(high: number, low: number, flip: number): string {
  const bits = (BigInt((high ^ flip) >>> 0) << 32n) | BigInt(low);
  return String(flip === 0 ? bits : BigInt.asIntN(64, bits));
}
