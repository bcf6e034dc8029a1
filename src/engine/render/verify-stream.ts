import { unreadable } from "./kind.ts";
import { FlatTable } from "./flat-table.ts";

/**
 * Walks an Arrow IPC stream (or a file, whose messages lie in the same form after its magic) and checks everything
 * that apache-arrow would believe: that tables, vectors and strings of the metadata lie within it, that no length is
 * beyond what the bytes can hold, that buffers lie within their body. Without this a single changed byte makes it
 * allocate until the process ends. Numbers of the members: Arrow's Schema.fbs and Message.fbs.
 */
export function verifyStream(bytes: Uint8Array): Uint8Array {
  const begin = isFile(bytes) ? FILE_HEAD_BYTES : 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = begin;
  for (;;) {
    if (at + PREFIX_BYTES > bytes.byteLength || view.getUint32(at, true) !== CONTINUATION) throw unreadable();
    const length = view.getInt32(at + 4, true);
    if (length === 0) return bytes.subarray(begin, at + PREFIX_BYTES);
    const body = at + PREFIX_BYTES + length;
    if (length < 0 || body > bytes.byteLength) throw unreadable();
    const bodyLength = verifyMessage(bytes.subarray(at + PREFIX_BYTES, body), at === begin);
    if (bodyLength > bytes.byteLength - body) throw unreadable();
    at = body + bodyLength;
  }
}

const FILE_HEAD_BYTES = 8;
const PREFIX_BYTES = 8;
const CONTINUATION = 0xffffffff;
const HEADER_SCHEMA = 1;
const HEADER_DICTIONARY_BATCH = 2;
const HEADER_RECORD_BATCH = 3;
const METADATA_V5 = 4;
const MOST_FIELDS = 20_000;
const DEEPEST = 32;
const MOST_TYPES = 17;

function isFile(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(6, bytes.byteLength)).toString("latin1") === "ARROW1";
}

/** Returns the length of the body that follows. The first message, and only it, is the schema. */
function verifyMessage(metadata: Uint8Array, first: boolean): number {
  const message = FlatTable.root(metadata);
  const type = message.uint8(1);
  const header = message.table(2);
  const bodyLength = message.length(3);
  if (message.int16(0) !== METADATA_V5 || !header || first !== (type === HEADER_SCHEMA)) throw unreadable();
  verifyMetadata(message, 4);
  if (type === HEADER_SCHEMA) verifySchema(header);
  else if (type === HEADER_RECORD_BATCH) verifyBatch(header, bodyLength);
  else if (type === HEADER_DICTIONARY_BATCH) {
    const data = header.table(1);
    if (!data || header.uint8(2) !== 0) throw unreadable();
    header.length(0);
    verifyBatch(data, bodyLength);
  } else throw unreadable();
  return bodyLength;
}

function verifySchema(schema: FlatTable): void {
  if (schema.int16(0) !== 0) throw unreadable();
  verifyMetadata(schema, 2);
  const left = { fields: MOST_FIELDS };
  for (const field of schema.tables(1)) verifyField(field, left, 0);
}

function verifyField(field: FlatTable, left: { fields: number }, depth: number): void {
  // offsets may share a target, so that few bytes can describe very many fields
  left.fields -= 1;
  if (left.fields < 0 || depth > DEEPEST) throw unreadable();
  field.string(0);
  const typeId = field.uint8(2);
  const type = field.table(3);
  if (!type || typeId < 1 || typeId > MOST_TYPES) throw unreadable();
  verifyType(typeId, type);
  const dictionary = field.table(4);
  if (dictionary) {
    dictionary.length(0);
    const index = dictionary.table(1);
    if (index) verifyType(TYPE_INT, index);
  }
  verifyMetadata(field, 6);
  for (const child of field.tables(5)) verifyField(child, left, depth + 1);
}

const TYPE_INT = 2;
const TYPE_TIMESTAMP = 10;
const TYPE_FIXED_BINARY = 15;
const TYPE_FIXED_LIST = 16;
const WIDEST = 1 << 20;

/** Members that have a size, and the one that has a text. */
function verifyType(typeId: number, type: FlatTable): void {
  if (typeId === TYPE_TIMESTAMP) type.string(1);
  if (typeId === TYPE_INT && ![8, 16, 32, 64].includes(type.int32(0))) throw unreadable();
  if (typeId === TYPE_FIXED_BINARY || typeId === TYPE_FIXED_LIST) {
    const size = type.int32(0);
    if (size < 1 || size > WIDEST) throw unreadable();
  }
}

function verifyBatch(batch: FlatTable, bodyLength: number): void {
  // a row of some column takes at least a bit
  const longest = bodyLength * 8;
  if (batch.length(0) > longest || batch.has(3) || batch.has(4)) throw unreadable();
  for (const [length, nullCount] of batch.pairs(1)) {
    if (length > longest || nullCount > length) throw unreadable();
  }
  for (const [offset, length] of batch.pairs(2)) {
    if (offset + length > bodyLength) throw unreadable();
  }
}

function verifyMetadata(table: FlatTable, member: number): void {
  for (const pair of table.tables(member)) {
    pair.string(0);
    pair.string(1);
  }
}
