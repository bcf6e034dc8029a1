import {
  DuckDBArrayType,
  DuckDBDecimalType,
  DuckDBEnumType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  DuckDBTypeId,
  type DuckDBType,
} from "@duckdb/node-api";
import { booleanBuilder, fixedBuilder, nullBuilder, type ColumnBuilder } from "./builder.ts";
import { fixedListBuilder, listBuilder, structBuilder } from "./builder-nested.ts";
import { stringBuilder } from "./builder-strings.ts";
import { decimalTo32, widenDecimal } from "./convert.ts";
import { codeBitsFor, declaredDictionary, indexBitsFor, usedDictionary, type Dictionary } from "./dictionary.ts";
import { UnsupportedType } from "./errors.ts";
import type { ArrowField, ArrowType } from "./field.ts";
import { FIXED_TYPES } from "./fixed-types.ts";
import { rangeTracker, type ItemKind, type RangeTracker } from "./statistics.ts";
import { arrayLoader, fixedLoader, listLoader, loadNothing, loadStrings, structLoader, type Loader } from "./vector.ts";

/** One column on its way from DuckDB's vectors to Arrow's buffers. */
export interface Column {
  field: ArrowField;
  load: Loader;
  builder: ColumnBuilder;
  /** Only for top-level columns that have an order. */
  range: RangeTracker | undefined;
}

export interface ColumnOptions {
  /** `declared`: an ENUM's dictionary has all its values; `used`: only those of the rows. */
  dictionaries: "declared" | "used";
  /** `narrow`: DECIMAL of up to 9 and 18 digits in 32 and 64 bits, which few readers know; `wide`: always 128 bits. */
  decimals: "narrow" | "wide";
  /** Receives the dictionaries of the columns, in the order of their identifiers. */
  collected: Dictionary[];
}

/** Throws `UnsupportedType` for a type without an Arrow form. */
export function createColumn(name: string, type: DuckDBType, options: ColumnOptions): Column {
  const made = create({ column: name, options }, name, type);
  const metadata: [string, string][] = [["duckdb_type", typeName(type)]];
  return {
    ...made,
    field: { ...made.field, metadata: [...metadata, ...made.field.metadata] },
    range: made.order && rangeTracker(made.order),
  };
}

/** DuckDB's name of a type. An ENUM is named VARCHAR: its full name would list its domain. */
export function typeName(type: DuckDBType): string {
  if (type instanceof DuckDBEnumType) return "VARCHAR";
  if (type instanceof DuckDBListType) return `${typeName(type.valueType)}[]`;
  if (type instanceof DuckDBArrayType) return `${typeName(type.valueType)}[${type.length}]`;
  if (type instanceof DuckDBMapType) return `MAP(${typeName(type.keyType)}, ${typeName(type.valueType)})`;
  if (type instanceof DuckDBStructType) {
    const entries = type.entryNames.map((name, i) => `${quoted(name)} ${typeName(type.entryTypes[i]!)}`);
    return `STRUCT(${entries.join(", ")})`;
  }
  return type.typeId === DuckDBTypeId.SQLNULL ? '"NULL"' : type.toString();
}

interface Made extends Omit<Column, "range"> {
  order?: ItemKind | undefined;
}

interface Context {
  /** The top-level column, for messages. */
  column: string;
  options: ColumnOptions;
}

function create(context: Context, name: string, type: DuckDBType): Made {
  const fixed = FIXED_TYPES.get(type.typeId);
  if (fixed) {
    const { arrow, sourceWidth, width = sourceWidth, convert, order, metadata = [] } = fixed;
    return {
      field: { ...leaf(name, arrow), metadata },
      load: fixedLoader(sourceWidth),
      builder: fixedBuilder(width, convert),
      order,
    };
  }
  if (type instanceof DuckDBDecimalType) return createDecimal(context, name, type);
  if (type instanceof DuckDBEnumType) return createEnum(context, name, type);
  return createNested(context, name, type) ?? createOther(context, name, type);
}

function createOther(context: Context, name: string, type: DuckDBType): Made {
  switch (type.typeId) {
    case DuckDBTypeId.SQLNULL:
      return { field: leaf(name, { kind: "null" }), load: loadNothing, builder: nullBuilder() };
    case DuckDBTypeId.BOOLEAN:
      return { field: leaf(name, { kind: "bool" }), load: fixedLoader(1), builder: booleanBuilder() };
    case DuckDBTypeId.VARCHAR:
      return { field: leaf(name, { kind: "utf8" }), load: loadStrings, builder: stringBuilder() };
    case DuckDBTypeId.BLOB:
      return { field: leaf(name, { kind: "binary" }), load: loadStrings, builder: stringBuilder() };
    default:
      throw new UnsupportedType(context.column, typeName(type));
  }
}

function createDecimal({ options }: Context, name: string, type: DuckDBDecimalType): Made {
  const bits = options.decimals === "wide" || type.width > 18 ? 128 : type.width > 9 ? 64 : 32;
  const field = leaf(name, { kind: "decimal", precision: type.width, scale: type.scale, bits });
  if (type.width > 18) return { field, load: fixedLoader(16), builder: fixedBuilder(16) };
  const width = type.width > 9 ? 8 : type.width > 4 ? 4 : 2;
  const order = width === 8 ? "i64" : width === 4 ? "i32" : "i16";
  const convert = bits === 128 ? widenDecimal(width) : width === 2 ? decimalTo32 : undefined;
  return { field, load: fixedLoader(width), builder: fixedBuilder(bits / 8, convert), order };
}

function createEnum({ options }: Context, name: string, type: DuckDBEnumType): Made {
  const id = options.collected.length;
  const make = options.dictionaries === "used" ? usedDictionary : declaredDictionary;
  const { builder, dictionary } = make({ id, values: type.values });
  options.collected.push(dictionary);
  const indexBits = indexBitsFor(type.values.length);
  return {
    field: { ...leaf(name, { kind: "utf8" }), dictionary: { id, indexBits } },
    load: fixedLoader(codeBitsFor(type.values.length) / 8),
    builder,
  };
}

function createNested(context: Context, name: string, type: DuckDBType): Made | undefined {
  if (type instanceof DuckDBListType) {
    const item = create(context, "item", type.valueType);
    return {
      field: parent(name, { kind: "list" }, [item]),
      load: listLoader(item.load),
      builder: listBuilder(item.builder),
    };
  }
  if (type instanceof DuckDBArrayType) {
    const item = create(context, "item", type.valueType);
    const { length } = type;
    return {
      field: parent(name, { kind: "fixed_list", length }, [item]),
      load: arrayLoader(item.load, length),
      builder: fixedListBuilder(item.builder, length),
    };
  }
  if (type instanceof DuckDBStructType) {
    const entries = type.entryNames.map((entry, i) => create(context, entry, type.entryTypes[i]!));
    return structOf(name, entries);
  }
  return type instanceof DuckDBMapType ? createMap(context, name, type) : undefined;
}

/** DuckDB holds a MAP as a list of (key, value), and so does Arrow. */
function createMap(context: Context, name: string, type: DuckDBMapType): Made {
  const key = create(context, "key", type.keyType);
  const value = create(context, "value", type.valueType);
  const entries = structOf("entries", [{ ...key, field: { ...key.field, nullable: false } }, value]);
  const item = { ...entries, field: { ...entries.field, nullable: false } };
  return {
    field: parent(name, { kind: "map" }, [item]),
    load: listLoader(item.load),
    builder: listBuilder(item.builder),
  };
}

function structOf(name: string, entries: readonly Made[]): Made {
  return {
    field: parent(name, { kind: "struct" }, entries),
    load: structLoader(entries.map((entry) => entry.load)),
    builder: structBuilder(entries.map((entry) => entry.builder)),
  };
}

function leaf(name: string, type: ArrowType): ArrowField {
  return { name, nullable: true, type, children: [], metadata: [] };
}

function parent(name: string, type: ArrowType, children: readonly Made[]): ArrowField {
  return { name, nullable: true, type, children: children.map((child) => child.field), metadata: [] };
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
