/**
 * Builders for the tables of Arrow's `Schema.fbs` (format specification "Arrow Columnar Format", version 1.5,
 * https://arrow.apache.org/docs/format/Columnar.html; field numbers are the order of the members in the .fbs).
 */
import type { Builder } from "flatbuffers";
import type { ArrowField, ArrowType, TimeUnit } from "./field.ts";

const TIME_UNIT: Readonly<Record<TimeUnit, number>> = { s: 0, ms: 1, us: 2, ns: 3 };

/** `table Schema { endianness; fields: [Field]; custom_metadata; features }`, little-endian. */
export function writeSchema(builder: Builder, fields: readonly ArrowField[]): number {
  const list = writeOffsets(
    builder,
    fields.map((field) => writeField(builder, field)),
  );
  builder.startObject(4);
  builder.addFieldOffset(1, list, 0);
  return builder.endObject();
}

/** `[KeyValue]` with `table KeyValue { key: string; value: string }`. */
export function writeMetadata(builder: Builder, pairs: readonly (readonly [string, string])[]): number {
  const offsets = pairs.map(([name, text]) => {
    const key = builder.createString(name);
    const value = builder.createString(text);
    builder.startObject(2);
    builder.addFieldOffset(0, key, 0);
    builder.addFieldOffset(1, value, 0);
    return builder.endObject();
  });
  return writeOffsets(builder, offsets);
}

export function writeOffsets(builder: Builder, offsets: readonly number[]): number {
  builder.startVector(4, offsets.length, 4);
  for (let i = offsets.length - 1; i >= 0; i--) builder.addOffset(offsets[i]!);
  return builder.endVector();
}

function writeField(builder: Builder, field: ArrowField): number {
  const children = writeOffsets(
    builder,
    field.children.map((child) => writeField(builder, child)),
  );
  const name = builder.createString(field.name);
  const metadata = field.metadata.length > 0 ? writeMetadata(builder, field.metadata) : 0;
  const dictionary = field.dictionary ? writeDictionaryEncoding(builder, field.dictionary) : 0;
  const [typeId, type] = writeType(builder, field.type);
  builder.startObject(7);
  builder.addFieldOffset(0, name, 0);
  builder.addFieldInt8(1, field.nullable ? 1 : 0, 0);
  builder.addFieldInt8(2, typeId, 0);
  builder.addFieldOffset(3, type, 0);
  builder.addFieldOffset(4, dictionary, 0);
  builder.addFieldOffset(5, children, 0);
  builder.addFieldOffset(6, metadata, 0);
  return builder.endObject();
}

function writeDictionaryEncoding(builder: Builder, dictionary: NonNullable<ArrowField["dictionary"]>): number {
  const [, indexType] = writeType(builder, { kind: "int", bits: dictionary.indexBits, signed: true });
  builder.startObject(4);
  builder.addFieldInt64(0, BigInt(dictionary.id), 0n);
  builder.addFieldOffset(1, indexType, 0);
  return builder.endObject();
}

/** The member of `union Type` and its table. */
function writeType(builder: Builder, type: ArrowType): [typeId: number, offset: number] {
  switch (type.kind) {
    case "null":
      return [1, emptyTable(builder)];
    case "int":
      return [2, table(builder, [int32(type.bits), bool(type.signed)])];
    case "float":
      return [3, table(builder, [int16(type.bits === 32 ? 1 : 2)])];
    case "binary":
      return [4, emptyTable(builder)];
    case "utf8":
      return [5, emptyTable(builder)];
    case "bool":
      return [6, emptyTable(builder)];
    case "decimal":
      return [7, table(builder, [int32(type.precision), int32(type.scale), int32(type.bits, 128)])];
    case "date_day":
      return [8, table(builder, [int16(0, 1)])];
    case "time":
      return [9, table(builder, [int16(TIME_UNIT[type.unit], 1), int32(64, 32)])];
    case "timestamp":
      return [10, timestampTable(builder, type)];
    case "month_day_nano":
      return [11, table(builder, [int16(2)])];
    case "list":
      return [12, emptyTable(builder)];
    case "struct":
      return [13, emptyTable(builder)];
    case "fixed_binary":
      return [15, table(builder, [int32(type.bytes)])];
    case "fixed_list":
      return [16, table(builder, [int32(type.length)])];
    case "map":
      return [17, emptyTable(builder)];
  }
}

type Slot = (builder: Builder, index: number) => void;

function int32(value: number, byDefault = 0): Slot {
  return (builder, index) => builder.addFieldInt32(index, value, byDefault);
}

function int16(value: number, byDefault = 0): Slot {
  return (builder, index) => builder.addFieldInt16(index, value, byDefault);
}

function bool(value: boolean): Slot {
  return (builder, index) => builder.addFieldInt8(index, value ? 1 : 0, 0);
}

function table(builder: Builder, slots: readonly Slot[]): number {
  builder.startObject(slots.length);
  slots.forEach((slot, index) => slot(builder, index));
  return builder.endObject();
}

function emptyTable(builder: Builder): number {
  return table(builder, []);
}

function timestampTable(builder: Builder, type: Extract<ArrowType, { kind: "timestamp" }>): number {
  const zone = type.zone === undefined ? 0 : builder.createString(type.zone);
  builder.startObject(2);
  builder.addFieldInt16(0, TIME_UNIT[type.unit], 0);
  builder.addFieldOffset(1, zone, 0);
  return builder.endObject();
}
