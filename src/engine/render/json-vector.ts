import { DuckDBDecimalType, DuckDBTypeId, type DuckDBType } from "@duckdb/node-api";
import type { LoadedVector } from "../arrow/index.ts";
import { maskOf, misfit, stringVector } from "./string-vector.ts";
import {
  parseBytes,
  parseDate,
  parseDecimal,
  parseFloatValue,
  parseInteger,
  parseText,
  parseTime,
  parseTimestamp,
  parseUuid,
} from "./parse-value.ts";

/** Writes a value at item `at` of a vector in DuckDB's layout; false when it is no value of the type. */
type Put = (view: DataView, at: number, value: unknown) => boolean;

interface FixedPut {
  width: number;
  put: Put;
}

/** A vector of a script's values. Throws `InvalidTable` for a value that its type cannot hold. */
export function jsonVector(column: string, type: DuckDBType, values: readonly unknown[]): LoadedVector {
  const fixed = fixedPut(type);
  if (!fixed) return stringVector(column, values, type.typeId === DuckDBTypeId.BLOB ? parseBytes : parseText);
  const data = new Uint8Array(values.length * fixed.width);
  const view = new DataView(data.buffer);
  values.forEach((value, i) => {
    if (value !== null && !fixed.put(view, i * fixed.width, value)) throw misfit(column);
  });
  return { mask: maskOf(values), data, heap: undefined, children: [] };
}

function fixedPut(type: DuckDBType): FixedPut | undefined {
  if (type instanceof DuckDBDecimalType) return putDecimal(type);
  return FIXED.get(type.typeId);
}

function putDecimal({ width, scale }: DuckDBDecimalType): FixedPut {
  const bytes = width > 18 ? 16 : width > 9 ? 8 : width > 4 ? 4 : 2;
  return { width: bytes, put: (view, at, value) => putInteger(view, { at, bytes }, parseDecimal(value, width, scale)) };
}

function integer(bytes: number, signed: boolean): FixedPut {
  const bits = BigInt(bytes * 8);
  const low = signed ? -(1n << (bits - 1n)) : 0n;
  const high = signed ? (1n << (bits - 1n)) - 1n : (1n << bits) - 1n;
  const put: Put = (view, at, value) => {
    const parsed = parseInteger(value);
    return parsed !== undefined && parsed >= low && parsed <= high && putInteger(view, { at, bytes }, parsed);
  };
  return { width: bytes, put };
}

function long(parse: (value: unknown) => bigint | undefined, bytes = 8): FixedPut {
  return { width: bytes, put: (view, at, value) => putInteger(view, { at, bytes }, parse(value)) };
}

/** Two's complement, little-endian. */
function putInteger(view: DataView, { at, bytes }: { at: number; bytes: number }, value: bigint | undefined): boolean {
  if (value === undefined) return false;
  let rest = BigInt.asUintN(bytes * 8, value);
  for (let i = 0; i < bytes; i++) {
    view.setUint8(at + i, Number(rest & 0xffn));
    rest >>= 8n;
  }
  return true;
}

const putBoolean: Put = (view, at, value) => {
  if (typeof value !== "boolean") return false;
  view.setUint8(at, value ? 1 : 0);
  return true;
};

function float(bytes: 4 | 8): FixedPut {
  const put: Put = (view, at, value) => {
    const parsed = parseFloatValue(value);
    if (parsed === undefined) return false;
    if (bytes === 4 && Number.isFinite(parsed) && !Number.isFinite(Math.fround(parsed))) return false;
    if (bytes === 4) view.setFloat32(at, parsed, true);
    else view.setFloat64(at, parsed, true);
    return true;
  };
  return { width: bytes, put };
}

const FIXED: ReadonlyMap<DuckDBTypeId, FixedPut> = new Map<DuckDBTypeId, FixedPut>([
  [DuckDBTypeId.BOOLEAN, { width: 1, put: putBoolean }],
  [DuckDBTypeId.TINYINT, integer(1, true)],
  [DuckDBTypeId.SMALLINT, integer(2, true)],
  [DuckDBTypeId.INTEGER, integer(4, true)],
  [DuckDBTypeId.BIGINT, integer(8, true)],
  [DuckDBTypeId.HUGEINT, integer(16, true)],
  [DuckDBTypeId.UTINYINT, integer(1, false)],
  [DuckDBTypeId.USMALLINT, integer(2, false)],
  [DuckDBTypeId.UINTEGER, integer(4, false)],
  [DuckDBTypeId.UBIGINT, integer(8, false)],
  [DuckDBTypeId.UHUGEINT, integer(16, false)],
  [DuckDBTypeId.FLOAT, float(4)],
  [DuckDBTypeId.DOUBLE, float(8)],
  [DuckDBTypeId.DATE, long(parseDate, 4)],
  [DuckDBTypeId.TIME, long(parseTime)],
  [DuckDBTypeId.TIMESTAMP, long((value) => parseTimestamp(value, "us"))],
  [DuckDBTypeId.TIMESTAMP_S, long((value) => parseTimestamp(value, "s"))],
  [DuckDBTypeId.TIMESTAMP_MS, long((value) => parseTimestamp(value, "ms"))],
  [DuckDBTypeId.TIMESTAMP_NS, long((value) => parseTimestamp(value, "ns"))],
  [DuckDBTypeId.TIMESTAMP_TZ, long((value) => parseTimestamp(value, "us"))],
  [DuckDBTypeId.UUID, long(parseUuid, 16)],
]);
