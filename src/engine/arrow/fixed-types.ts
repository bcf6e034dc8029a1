import { DuckDBTypeId } from "@duckdb/node-api";
import type { Convert } from "./builder.ts";
import { convertInterval, convertUuid } from "./convert.ts";
import type { ArrowType } from "./field.ts";
import type { ItemKind } from "./statistics.ts";

export interface FixedType {
  arrow: ArrowType;
  /** Bytes of an item in DuckDB's vector. */
  sourceWidth: number;
  /** Bytes of an item in Arrow, when they differ. */
  width?: number;
  convert?: Convert;
  order?: ItemKind;
  metadata?: readonly (readonly [string, string])[];
}

function int(bits: 8 | 16 | 32 | 64, signed: boolean): FixedType {
  const order: ItemKind = `${signed ? "i" : "u"}${bits}`;
  return { arrow: { kind: "int", bits, signed }, sourceWidth: bits / 8, order };
}

function timestamp(unit: "s" | "ms" | "us" | "ns", zone?: string): FixedType {
  const arrow: ArrowType = { kind: "timestamp", unit, ...(zone === undefined ? {} : { zone }) };
  return { arrow, sourceWidth: 8, order: "i64" };
}

/** Types whose items lie in Arrow as in DuckDB, or one by one in another order of bytes. */
export const FIXED_TYPES: ReadonlyMap<DuckDBTypeId, FixedType> = new Map<DuckDBTypeId, FixedType>([
  [DuckDBTypeId.TINYINT, int(8, true)],
  [DuckDBTypeId.SMALLINT, int(16, true)],
  [DuckDBTypeId.INTEGER, int(32, true)],
  [DuckDBTypeId.BIGINT, int(64, true)],
  [DuckDBTypeId.UTINYINT, int(8, false)],
  [DuckDBTypeId.USMALLINT, int(16, false)],
  [DuckDBTypeId.UINTEGER, int(32, false)],
  [DuckDBTypeId.UBIGINT, int(64, false)],
  [DuckDBTypeId.FLOAT, { arrow: { kind: "float", bits: 32 }, sourceWidth: 4, order: "f32" }],
  [DuckDBTypeId.DOUBLE, { arrow: { kind: "float", bits: 64 }, sourceWidth: 8, order: "f64" }],
  [DuckDBTypeId.DATE, { arrow: { kind: "date_day" }, sourceWidth: 4, order: "i32" }],
  [DuckDBTypeId.TIME, { arrow: { kind: "time", unit: "us" }, sourceWidth: 8, order: "i64" }],
  [DuckDBTypeId.TIME_NS, { arrow: { kind: "time", unit: "ns" }, sourceWidth: 8, order: "i64" }],
  [DuckDBTypeId.TIMESTAMP_S, timestamp("s")],
  [DuckDBTypeId.TIMESTAMP_MS, timestamp("ms")],
  [DuckDBTypeId.TIMESTAMP, timestamp("us")],
  [DuckDBTypeId.TIMESTAMP_NS, timestamp("ns")],
  [DuckDBTypeId.TIMESTAMP_TZ, timestamp("us", "UTC")],
  [DuckDBTypeId.INTERVAL, { arrow: { kind: "month_day_nano" }, sourceWidth: 16, convert: convertInterval }],
  [
    DuckDBTypeId.UUID,
    {
      arrow: { kind: "fixed_binary", bytes: 16 },
      sourceWidth: 16,
      convert: convertUuid,
      metadata: [
        ["ARROW:extension:name", "arrow.uuid"],
        ["ARROW:extension:metadata", ""],
      ],
    },
  ],
  [
    // the bits of all of HUGEINT fit; values of 39 digits are beyond what Arrow's decimal promises, hence the mark
    DuckDBTypeId.HUGEINT,
    {
      arrow: { kind: "decimal", precision: 38, scale: 0, bits: 128 },
      sourceWidth: 16,
      metadata: [["sluice:type", "HUGEINT"]],
    },
  ],
  [
    DuckDBTypeId.UHUGEINT,
    {
      arrow: { kind: "fixed_binary", bytes: 16 },
      sourceWidth: 16,
      metadata: [["sluice:type", "UHUGEINT"]],
    },
  ],
]);
