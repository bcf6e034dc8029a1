import type { SchemaElement } from "hyparquet-writer";
import type { Cell } from "./cells.ts";
import type { Kind, Unit } from "./kind.ts";

/** How a column lies in a Parquet file. */
export interface ParquetShape {
  elements: SchemaElement[];
  /** Whether the type can hold the value. */
  fits(cell: Cell): boolean;
  value(cell: Cell): unknown;
  /** Parquet has no such type: the value goes as text. */
  text: boolean;
}

type Leaf = Omit<SchemaElement, "name" | "repetition_type">;

const TEXT: Leaf = { type: "BYTE_ARRAY", converted_type: "UTF8" };

export function parquetShape(name: string, kind: Kind): ParquetShape {
  switch (kind.kind) {
    case "null":
    case "text":
      return leaf(name, TEXT);
    case "bool":
      return leaf(name, { type: "BOOLEAN" });
    case "int":
      return intShape(name, kind);
    case "float32":
      return leaf(name, { type: "FLOAT" });
    case "float64":
      return leaf(name, { type: "DOUBLE" });
    case "bytes":
      return leaf(name, { type: "BYTE_ARRAY" });
    case "date":
      return leaf(name, { type: "INT32", converted_type: "DATE" });
    case "uuid":
      return leaf(name, { type: "FIXED_LEN_BYTE_ARRAY", type_length: 16, logical_type: { type: "UUID" } });
    case "decimal":
      return decimalShape(name, kind);
    case "time":
      return kind.unit === "us" ? leaf(name, { type: "INT64", converted_type: "TIME_MICROS" }) : textShape();
    case "timestamp":
      return timestampShape(name, kind);
    case "list":
      return listShape(name, kind.item);
    case "struct":
      return structShape(name, kind);
    case "interval":
    case "uhugeint":
    case "map":
      return textShape();
  }
}

function leaf(name: string, element: Leaf, value: (cell: Cell) => unknown = (cell) => cell): ParquetShape {
  return { elements: [{ name, repetition_type: "OPTIONAL", ...element }], fits: () => true, value, text: false };
}

function textShape(): ParquetShape {
  return { elements: [], fits: () => false, value: (cell) => cell, text: true };
}

function intShape(name: string, { bits, signed }: Extract<Kind, { kind: "int" }>): ParquetShape {
  if (bits === 64) {
    return leaf(name, signed ? { type: "INT64" } : { type: "INT64", converted_type: "UINT_64" });
  }
  const converted = `${signed ? "" : "U"}INT_${bits}` as
    | "INT_8"
    | "INT_16"
    | "INT_32"
    | "UINT_8"
    | "UINT_16"
    | "UINT_32";
  return leaf(name, { type: "INT32", converted_type: converted });
}

function decimalShape(name: string, { precision, scale }: Extract<Kind, { kind: "decimal" }>): ParquetShape {
  const physical: Leaf = precision <= 18 ? { type: "INT64" } : { type: "FIXED_LEN_BYTE_ARRAY", type_length: 16 };
  const shape = leaf(name, { ...physical, converted_type: "DECIMAL", precision, scale });
  const limit = 10n ** BigInt(precision);
  return { ...shape, fits: (cell) => -limit < (cell as bigint) && (cell as bigint) < limit };
}

const PARQUET_UNIT: Readonly<Record<Unit, "MILLIS" | "MICROS" | "NANOS">> = {
  s: "MILLIS",
  ms: "MILLIS",
  us: "MICROS",
  ns: "NANOS",
};

/** Parquet has no seconds; they are written as milliseconds, unless they are too far away (or infinite). */
function timestampShape(name: string, { unit, zoned }: Extract<Kind, { kind: "timestamp" }>): ParquetShape {
  const factor = unit === "s" ? 1000n : 1n;
  const element: Leaf = {
    type: "INT64",
    logical_type: { type: "TIMESTAMP", isAdjustedToUTC: zoned, unit: PARQUET_UNIT[unit] },
  };
  const shape = leaf(name, element, (cell) => (cell === null ? null : (cell as bigint) * factor));
  return { ...shape, fits: (cell) => BigInt.asIntN(64, (cell as bigint) * factor) === (cell as bigint) * factor };
}

/** The three-level form of Parquet's LogicalTypes.md. */
function listShape(name: string, item: Kind): ParquetShape {
  const inner = parquetShape("element", item);
  return {
    elements: [
      { name, repetition_type: "OPTIONAL", converted_type: "LIST", num_children: 1 },
      { name: "list", repetition_type: "REPEATED", num_children: 1 },
      ...inner.elements,
    ],
    fits: (cell) => (cell as readonly Cell[]).every((value) => value === null || inner.fits(value)),
    value: (cell) => (cell as readonly Cell[] | null)?.map((value) => inner.value(value)) ?? null,
    text: inner.text,
  };
}

function structShape(name: string, { names, entries }: Extract<Kind, { kind: "struct" }>): ParquetShape {
  const inner = entries.map((entry, i) => parquetShape(names[i]!, entry));
  return {
    elements: [
      { name, repetition_type: "OPTIONAL", num_children: inner.length },
      ...inner.flatMap((shape) => shape.elements),
    ],
    fits: (cell) => (cell as readonly Cell[]).every((value, i) => value === null || inner[i]!.fits(value)),
    value: (cell) => {
      if (cell === null) return null;
      return Object.fromEntries((cell as readonly Cell[]).map((value, i) => [names[i]!, inner[i]!.value(value)]));
    },
    text: inner.length === 0 || inner.some((shape) => shape.text),
  };
}
