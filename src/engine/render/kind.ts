import { DataType, Precision, TimeUnit, type Field } from "apache-arrow";
import { AppError } from "#kernel/errors.ts";

export type Unit = "s" | "ms" | "us" | "ns";

/** What the values of a column are, as far as a format cares. */
export type Kind =
  | { kind: "null" | "bool" | "float32" | "float64" | "text" | "bytes" | "date" | "interval" | "uuid" | "uhugeint" }
  | { kind: "int"; bits: number; signed: boolean }
  | { kind: "decimal"; precision: number; scale: number; hugeint: boolean }
  | { kind: "time"; unit: "us" | "ns" }
  | { kind: "timestamp"; unit: Unit; zoned: boolean }
  | { kind: "list"; item: Kind }
  | { kind: "map"; key: Kind; value: Kind }
  | { kind: "struct"; names: readonly string[]; entries: readonly Kind[] };

const UNITS: Readonly<Record<TimeUnit, Unit>> = {
  [TimeUnit.SECOND]: "s",
  [TimeUnit.MILLISECOND]: "ms",
  [TimeUnit.MICROSECOND]: "us",
  [TimeUnit.NANOSECOND]: "ns",
};
const DEEPEST = 32;

/** Throws `bad_arrow_file` for a type that we never write. */
export function kindOf(field: Field, depth = 0): Kind {
  if (depth > DEEPEST) throw unreadable();
  const { type: outer } = field as { type: DataType };
  const type = DataType.isDictionary(outer) ? (outer.dictionary as DataType) : outer;
  return scalarKind(type, field.metadata) ?? nestedKind(type, depth);
}

export function unreadable(cause?: unknown): AppError {
  return new AppError("bad_arrow_file", "the table is not readable Arrow", { cause });
}

function scalarKind(type: DataType, metadata: Map<string, string>): Kind | undefined {
  if (DataType.isNull(type)) return { kind: "null" };
  if (DataType.isBool(type)) return { kind: "bool" };
  if (DataType.isInt(type)) return { kind: "int", bits: type.bitWidth, signed: type.isSigned };
  if (DataType.isFloat(type)) return { kind: type.precision === Precision.SINGLE ? "float32" : "float64" };
  if (DataType.isUtf8(type)) return { kind: "text" };
  if (DataType.isBinary(type)) return { kind: "bytes" };
  if (DataType.isDecimal(type)) {
    const hugeint = metadata.get("sluice:type") === "HUGEINT";
    return { kind: "decimal", precision: type.precision, scale: type.scale, hugeint };
  }
  if (DataType.isFixedSizeBinary(type)) {
    if (type.byteWidth !== 16) return { kind: "bytes" };
    if (metadata.get("ARROW:extension:name") === "arrow.uuid" || metadata.get("duckdb_type") === "UUID")
      return { kind: "uuid" };
    return { kind: metadata.get("sluice:type") === "UHUGEINT" ? "uhugeint" : "bytes" };
  }
  return timeKind(type);
}

function timeKind(type: DataType): Kind | undefined {
  if (DataType.isDate(type)) return { kind: "date" };
  if (DataType.isInterval(type)) return { kind: "interval" };
  if (DataType.isTime(type)) return { kind: "time", unit: type.unit === TimeUnit.NANOSECOND ? "ns" : "us" };
  if (DataType.isTimestamp(type)) {
    return { kind: "timestamp", unit: UNITS[type.unit], zoned: Boolean(type.timezone) };
  }
  return undefined;
}

function nestedKind(type: DataType, depth: number): Kind {
  if (DataType.isList(type) || DataType.isFixedSizeList(type)) {
    return { kind: "list", item: kindOf(type.children[0]!, depth + 1) };
  }
  if (DataType.isMap(type)) {
    const entry = kindOf(type.children[0]!, depth + 1);
    if (entry.kind !== "struct" || entry.entries.length !== 2) throw unreadable();
    return { kind: "map", key: entry.entries[0]!, value: entry.entries[1]! };
  }
  if (DataType.isStruct(type)) {
    const fields = type.children;
    return { kind: "struct", names: fields.map(({ name }) => name), entries: fields.map((f) => kindOf(f, depth + 1)) };
  }
  throw unreadable();
}
