import { DataType, type Data, type FixedSizeBinary } from "apache-arrow";
import type { Kind } from "./kind.ts";

/** Months, days and nanoseconds. */
export interface IntervalCell {
  months: number;
  days: number;
  nanoseconds: bigint;
}

/**
 * A value as the formats take it: integers of 64 bits and more, unscaled decimals, days, times and timestamps as
 * integers in their own unit; a struct as its entries, a map as pairs.
 */
export type Cell = null | boolean | number | bigint | string | Uint8Array | IntervalCell | readonly Cell[];

export type CellReader = (row: number) => Cell;

const decoder = new TextDecoder();

/** For data that `checkData` has passed. */
export function cellReader(data: Data, kind: Kind): CellReader {
  const read = DataType.isDictionary(data.type) ? dictionaryReader(data) : valueReader(data, kind);
  if (data.nullCount === 0) return read;
  return (row) => (data.getValid(row) ? read(row) : null);
}

function valueReader(data: Data, kind: Kind): CellReader {
  switch (kind.kind) {
    case "null":
      return () => null;
    case "bool":
      return bitReader(data);
    case "int":
    case "float32":
    case "float64":
    case "date":
      return numberReader(data);
    case "time":
    case "timestamp":
      return longReader(data);
    case "text":
      return (row) => decoder.decode(bytesOf(data, row));
    case "bytes":
      return DataType.isFixedSizeBinary(data.type)
        ? (row) => fixedBytes(data, row)
        : (row) => bytesOf(data, row).slice();
    case "uuid":
      return (row) => fixedBytes(data, row);
    case "decimal":
    case "uhugeint":
      return wideReader(data, kind.kind === "decimal");
    case "interval":
      return intervalReader(data);
    default:
      return nestedReader(data, kind);
  }
}

function nestedReader(data: Data, kind: Extract<Kind, { kind: "list" | "map" | "struct" }>): CellReader {
  if (kind.kind === "struct") {
    const entries = kind.entries.map((entry, i) => cellReader(data.children[i]!, entry));
    return (row) => entries.map((entry) => entry(row));
  }
  const item = itemReader(data.children[0]!, kind);
  const { type } = data;
  if (DataType.isFixedSizeList(type)) return (row) => range(row * type.listSize, (row + 1) * type.listSize, item);
  const offsets = data.valueOffsets as Int32Array;
  return (row) => range(offsets[row]!, offsets[row + 1]!, item);
}

function itemReader(items: Data, kind: Extract<Kind, { kind: "list" | "map" }>): CellReader {
  if (kind.kind === "list") return cellReader(items, kind.item);
  return cellReader(items, { kind: "struct", names: ["key", "value"], entries: [kind.key, kind.value] });
}

function range(begin: number, end: number, item: CellReader): Cell[] {
  const cells: Cell[] = [];
  for (let i = begin; i < end; i++) cells.push(item(i));
  return cells;
}

function dictionaryReader(data: Data): CellReader {
  const values = data.dictionary!.toArray() as ArrayLike<string>;
  const indices = data.values as ArrayLike<number>;
  return (row) => values[indices[row]!] ?? null;
}

function bytesOf(data: Data, row: number): Uint8Array {
  const offsets = data.valueOffsets as Int32Array;
  return (data.values as Uint8Array).subarray(offsets[row], offsets[row + 1]);
}

function fixedBytes(data: Data, row: number): Uint8Array {
  const { byteWidth } = data.type as FixedSizeBinary;
  return (data.values as Uint8Array).slice(row * byteWidth, (row + 1) * byteWidth);
}

function bitReader(data: Data): CellReader {
  const bits = data.values as Uint8Array;
  return (row) => ((bits[row >> 3]! >> (row & 7)) & 1) === 1;
}

function numberReader(data: Data): CellReader {
  const values = data.values as ArrayLike<number | bigint>;
  return (row) => values[row]!;
}

function viewOf(values: ArrayBufferView): DataView {
  return new DataView(values.buffer, values.byteOffset, values.byteLength);
}

function longReader(data: Data): CellReader {
  const view = viewOf(data.values as ArrayBufferView);
  return (row) => view.getBigInt64(row * 8, true);
}

function wideReader(data: Data, signed: boolean): CellReader {
  const view = viewOf(data.values as ArrayBufferView);
  return (row) => {
    const low = view.getBigUint64(row * 16, true);
    const high = signed ? view.getBigInt64(row * 16 + 8, true) : view.getBigUint64(row * 16 + 8, true);
    return (high << 64n) | low;
  };
}

function intervalReader(data: Data): CellReader {
  const view = viewOf(data.values as ArrayBufferView);
  return (row) => ({
    months: view.getInt32(row * 16, true),
    days: view.getInt32(row * 16 + 4, true),
    nanoseconds: view.getBigInt64(row * 16 + 8, true),
  });
}
