/*
 * Part 9: columns of a query's result out of the Arrow stream that the engine made, by the layout beside it (contract/
 * script-table.ts). A column is read when it is first asked for. The stream is a copy that this script alone has.
 */
/** The nodes of one column, one per batch. */
function columnNodes(table, index) {
  const { layout, stream } = table;
  const nodes = [];
  for (let i = 0; i < layout.batches.length; i++) {
    const cursor = { batch: layout.batches[i], node: 0, buffer: 0, table };
    for (let f = 0; f < index; f++) skipNode(layout.fields[f], cursor);
    nodes[i] = readNode(layout.fields[index], cursor, stream);
  }
  return nodes;
}

/** How many buffers a field has of its own, and whether its children follow. */
function buffersOf(field) {
  if (field.dictionary !== undefined) return 2;
  if (field.kind === "null") return 0;
  if (field.kind === "struct" || field.kind === "fixed_list") return 1;
  return field.kind === "utf8" || field.kind === "binary" ? 3 : 2;
}

function skipNode(field, cursor) {
  cursor.node++;
  cursor.buffer += buffersOf(field);
  for (let i = 0; i < field.children.length; i++) skipNode(field.children[i], cursor);
}

function readNode(field, cursor, stream) {
  const [length, nulls] = cursor.batch.nodes[cursor.node++];
  const places = [];
  for (let left = buffersOf(field); left > 0; left--) places[places.length] = cursor.batch.buffers[cursor.buffer++];
  const validity = nulls > 0 && places.length > 0 ? bytesAt(stream, places[0]) : undefined;
  const children = [];
  for (let i = 0; i < field.children.length; i++) children[i] = readNode(field.children[i], cursor, stream);
  return { field, length, nulls, places, validity, children, stream, table: cursor.table };
}

function bytesAt(stream, [offset, length]) {
  return new TYPED_ARRAYS.Uint8Array(stream, offset, length);
}

/** All values: a typed array of the script's own where every value is a number, else an array with null for NULL. */
function columnValues(nodes, rowCount) {
  const numbers = numericColumn(nodes, rowCount);
  if (numbers !== undefined) return numbers;
  const values = [];
  for (let n = 0; n < nodes.length; n++) {
    const read = reader(nodes[n]);
    for (let i = 0; i < nodes[n].length; i++) values[values.length] = read(i);
  }
  return values;
}

function numericColumn(nodes, rowCount) {
  for (let n = 0; n < nodes.length; n++) if (nodes[n].nulls > 0) return undefined;
  if (nodes.length === 0) return undefined;
  const type = storedType(nodes[0].field);
  if (type !== undefined) return joinedItems(nodes, type, rowCount);
  const fill = longFiller(nodes[0].field);
  if (fill === undefined) return undefined;
  const target = new TYPED_ARRAYS.Float64Array(rowCount);
  let at = 0;
  for (let n = 0; n < nodes.length; n++) {
    if (!fill(nodes[n], { target, at })) return undefined;
    at += nodes[n].length;
  }
  return target;
}

/** The typed array whose items are the column's values as they stand. */
function storedType({ kind, bits, signed, dictionary }) {
  if (dictionary !== undefined) return undefined;
  if (kind === "float" && bits === 64) return "Float64Array";
  return kind === "int" && bits < 64 ? `${signed ? "Int" : "Uint"}${bits}Array` : undefined;
}

function joinedItems(nodes, type, rowCount) {
  const target = new TYPED_ARRAYS[type](rowCount);
  let at = 0;
  for (let n = 0; n < nodes.length; n++) {
    typedArraySet(target, itemsOf(nodes[n], type), at);
    at += nodes[n].length;
  }
  return target;
}

function itemsOf({ stream, places, length }, type) {
  return new TYPED_ARRAYS[type](stream, places[1][0], length);
}

/** Fills in numbers for integers of 64 bits and more and for decimals; false as soon as one is not exact. */
function longFiller({ kind, bits, signed, scale = 0, dictionary }) {
  if (dictionary !== undefined) return undefined;
  if (kind === "int" && signed) return (node, place) => fillLongs(node, { words: 2, divisor: 1 }, place);
  if (kind !== "decimal" || bits !== 128 || scale > LONGEST_EXACT) return undefined;
  return (node, place) => fillLongs(node, { words: 4, divisor: POWERS[scale] }, place);
}

function fillLongs({ stream, places, length, field }, { words, divisor }, { target, at }) {
  const items = new TYPED_ARRAYS.Int32Array(stream, places[1][0], length * words);
  const most = field.mark === "HUGEINT" || words === 2 ? 0x1f_ffff_ffff_ffff : POWERS[LONGEST_EXACT] - 1;
  for (let i = 0, w = 0; i < length; i++, w += words) {
    const high = items[w + 1];
    const value = high * 0x1_0000_0000 + (items[w] >>> 0);
    if (value > most || value < -most) return false;
    if (words === 4 && (items[w + 2] !== high >> 31 || items[w + 3] !== high >> 31)) return false;
    target[at + i] = value / divisor;
  }
  return true;
}

/** Row number → value, null where it is NULL. */
function reader(node) {
  const read = node.field.dictionary === undefined ? valueReader(node) : dictionaryReader(node);
  const { validity } = node;
  if (validity === undefined) return read;
  return (i) => ((validity[i >> 3] >> (i & 7)) & 1 ? read(i) : null);
}

function valueReader(node) {
  const { kind } = node.field;
  const make = READERS[kind];
  if (make === undefined) throw new NativeError(`a column of kind ${kind} cannot be read`);
  return make(node);
}

const READERS = {
  __proto__: null,
  null: () => () => null,
  bool: (node) => bitReader(bytesAt(node.stream, node.places[1])),
  int: intReader,
  float: floatReader,
  decimal: decimalReader,
  utf8: textReader,
  binary: binaryReader,
  fixed_binary: fixedBinaryReader,
  date_day: (node) => mapped(itemsOf(node, "Int32Array"), dateText),
  time: (node) => mapped(itemsOf(node, "BigInt64Array"), (value) => clockText(makeNumber(value), node.field.unit)),
  timestamp: timestampReader,
  month_day_nano: intervalReader,
  list: listReader,
  map: listReader,
  fixed_list: fixedListReader,
  struct: structReader,
};

function mapped(items, convert) {
  return (i) => convert(items[i]);
}

function bitReader(bits) {
  return (i) => ((bits[i >> 3] >> (i & 7)) & 1) === 1;
}

function intReader(node) {
  const { bits, signed } = node.field;
  if (bits === 64) return mapped(itemsOf(node, signed ? "BigInt64Array" : "BigUint64Array"), integerValue);
  const items = itemsOf(node, storedType(node.field));
  return (i) => items[i];
}

function floatReader(node) {
  const items = itemsOf(node, node.field.bits === 64 ? "Float64Array" : "Float32Array");
  return node.field.bits === 64 ? (i) => items[i] : (i) => shortestFloat(items[i]);
}

function decimalReader(node) {
  const { mark, scale } = node.field;
  const wide = wideReader(node, "BigInt64Array");
  return mark === "HUGEINT" ? (i) => integerValue(wide(i)) : (i) => decimalValue(wide(i), scale);
}

/** 128 bits as a BigInt; `highType` says whether they have a sign. */
function wideReader({ stream, places, length }, highType) {
  const lows = new TYPED_ARRAYS.BigUint64Array(stream, places[1][0], length * 2);
  const highs = new TYPED_ARRAYS[highType](stream, places[1][0], length * 2);
  return (i) => (highs[i * 2 + 1] << 64n) | lows[i * 2];
}

function fixedBinaryReader(node) {
  const { mark, bytes: width } = node.field;
  if (mark === "UHUGEINT") {
    const wide = wideReader(node, "BigUint64Array");
    return (i) => integerValue(wide(i));
  }
  const bytes = bytesAt(node.stream, node.places[1]);
  if (mark === "arrow.uuid") return (i) => uuidText(bytes, i * width);
  return (i) => base64Text(bytes, i * width, (i + 1) * width);
}

function timestampReader(node) {
  const { unit, zone } = node.field;
  return mapped(itemsOf(node, "BigInt64Array"), (value) => timestampText(value, unit, zone !== undefined));
}

function intervalReader(node) {
  const { stream, places, length } = node;
  const words = new TYPED_ARRAYS.Int32Array(stream, places[1][0], length * 4);
  const longs = new TYPED_ARRAYS.BigInt64Array(stream, places[1][0], length * 2);
  return (i) => intervalText(words[i * 4], words[i * 4 + 1], longs[i * 2 + 1]);
}

function offsetsOf({ stream, places, length }) {
  return new TYPED_ARRAYS.Int32Array(stream, places[1][0], length === 0 ? 0 : length + 1);
}

function binaryReader(node) {
  const ends = offsetsOf(node);
  const bytes = bytesAt(node.stream, node.places[2]);
  return (i) => base64Text(bytes, ends[i], ends[i + 1]);
}

/** One string of a character per byte, cut natively; what is not ASCII is decoded value by value. */
function textReader(node) {
  const ends = offsetsOf(node);
  const text = latin1Text(node.stream, node.places[2]);
  if (regExpExec(/[\x80-\xff]/, text) === null) return (i) => stringSlice(text, ends[i], ends[i + 1]);
  const known = new NativeMap();
  return (i) => decodedText(stringSlice(text, ends[i], ends[i + 1]), known);
}

function dictionaryReader(node) {
  const { dictionary, indexBits } = node.field;
  const texts = dictionaryTexts(node.table, dictionary);
  const items = itemsOf(node, `Int${indexBits}Array`);
  return (i) => texts[items[i]];
}

function dictionaryTexts({ layout, stream }, id) {
  for (let d = 0; d < layout.dictionaries.length; d++) {
    if (layout.dictionaries[d].id !== id) continue;
    const cursor = { batch: layout.dictionaries[d], node: 0, buffer: 0 };
    return columnValues([readNode({ kind: "utf8", children: [] }, cursor, stream)], layout.dictionaries[d].rows);
  }
  return [];
}

/** A MAP is a list of `{ key, value }`. */
function listReader(node) {
  const ends = offsetsOf(node);
  const read = reader(node.children[0]);
  return (i) => readRange(read, ends[i], ends[i + 1]);
}

function fixedListReader(node) {
  const read = reader(node.children[0]);
  const size = node.field.length;
  return (i) => readRange(read, i * size, (i + 1) * size);
}

function readRange(read, begin, end) {
  const items = [];
  for (let i = begin; i < end; i++) items[i - begin] = read(i);
  return freeze(items);
}

function structReader(node) {
  const names = [];
  const reads = [];
  for (let c = 0; c < node.children.length; c++) {
    names[c] = node.children[c].field.name;
    reads[c] = reader(node.children[c]);
  }
  return (i) => {
    const entries = {};
    for (let c = 0; c < names.length; c++) setOwn(entries, names[c], reads[c](i));
    return freeze(entries);
  };
}

/** `__proto__` is a name like any other here. */
function setOwn(object, name, value) {
  if (name === "__proto__") defineProperty(object, name, { value, enumerable: true });
  else object[name] = value;
}
