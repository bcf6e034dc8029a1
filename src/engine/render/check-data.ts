import { DataType, IntervalUnit, DateUnit, Precision, TimeUnit, type Data, type Field } from "apache-arrow";
import { unreadable } from "./kind.ts";

/**
 * Checks that every length and offset of a column lies within its buffers, so that reading a value can neither fail
 * nor run away. apache-arrow itself cuts what reaches beyond the end without a word.
 */
export function checkData(data: Data): void {
  const { type, length } = data;
  require(Number.isSafeInteger(length) && length >= 0 && data.offset === 0);
  if (data.nullBitmap && data.nullBitmap.byteLength > 0) require(data.nullBitmap.byteLength * 8 >= length);
  if (DataType.isNull(type)) return;
  if (DataType.isDictionary(type)) checkDictionary(data);
  else if (DataType.isUtf8(type) || DataType.isBinary(type)) checkOffsets(data, byteLengthOf(data.values));
  else if (DataType.isList(type) || DataType.isMap(type)) checkList(data);
  else if (DataType.isStruct(type)) checkChildren(data, length);
  else if (DataType.isFixedSizeList(type)) checkChildren(data, length * type.listSize);
  else if (DataType.isBool(type)) require(byteLengthOf(data.values) * 8 >= length);
  else require(byteLengthOf(data.values) >= length * widthOf(type));
}

/** Checks the parameters of a type, which also a table without rows has. */
export function checkType(type: DataType): void {
  if (DataType.isDictionary(type)) {
    require(DataType.isUtf8(type.dictionary));
    return;
  }
  const nested =
    DataType.isList(type) || DataType.isFixedSizeList(type) || DataType.isMap(type) || DataType.isStruct(type);
  if (nested) {
    for (const child of type.children) checkType((child as Field<DataType>).type);
    return;
  }
  const sized = !(DataType.isNull(type) || DataType.isBool(type) || DataType.isUtf8(type) || DataType.isBinary(type));
  if (sized) widthOf(type);
}

function require(condition: boolean): void {
  if (!condition) throw unreadable();
}

/** Bytes of a value, for the types that we write. */
function widthOf(type: DataType): number {
  if (DataType.isInt(type)) return type.bitWidth / 8;
  if (DataType.isFloat(type)) {
    require(type.precision !== Precision.HALF);
    return type.precision === Precision.SINGLE ? 4 : 8;
  }
  if (DataType.isDecimal(type)) {
    require(type.bitWidth === 128 && type.precision >= 1 && type.precision <= 38);
    require(type.scale >= 0 && type.scale <= type.precision);
    return 16;
  }
  if (DataType.isDate(type)) {
    require(type.unit === DateUnit.DAY);
    return 4;
  }
  if (DataType.isTime(type)) {
    require(type.unit === TimeUnit.MICROSECOND || type.unit === TimeUnit.NANOSECOND);
    return 8;
  }
  if (DataType.isTimestamp(type)) {
    require(type.unit >= TimeUnit.SECOND && type.unit <= TimeUnit.NANOSECOND);
    return 8;
  }
  if (DataType.isFixedSizeBinary(type)) {
    require(type.byteWidth > 0);
    return type.byteWidth;
  }
  require(DataType.isInterval(type) && type.unit === IntervalUnit.MONTH_DAY_NANO);
  return 16;
}

function byteLengthOf(values: unknown): number {
  return ArrayBuffer.isView(values) ? values.byteLength : 0;
}

function checkOffsets({ valueOffsets, length }: Data, limit: number): void {
  if (length === 0) return;
  const offsets: unknown = valueOffsets;
  if (!(offsets instanceof Int32Array) || offsets.length <= length) throw unreadable();
  let last = 0;
  for (let i = 0; i <= length; i++) {
    const offset = offsets[i]!;
    require(offset >= last && offset <= limit);
    last = offset;
  }
}

function checkList(data: Data): void {
  const items = data.children[0];
  if (!items) throw unreadable();
  checkOffsets(data, items.length);
  checkData(items);
}

function checkChildren({ children, type }: Data, length: number): void {
  require(children.length === type.children.length);
  for (const child of children) {
    require(child.length >= length);
    checkData(child);
  }
}

function checkDictionary(data: Data): void {
  const { dictionary, length } = data;
  const indices = data.values as Int8Array | Int16Array | Int32Array;
  require(dictionary !== undefined && DataType.isUtf8(dictionary.type) && indices.length >= length);
  for (const chunk of dictionary!.data as readonly Data[]) checkData(chunk);
  const count = dictionary!.length;
  for (let i = 0; i < length; i++) {
    if (data.getValid(i)) require(indices[i]! >= 0 && indices[i]! < count);
  }
}
