/**
 * Builders for Arrow's `Message.fbs` and `File.fbs` (format specification "Arrow Columnar Format", section
 * "Serialization and Interprocess Communication (IPC)").
 */
import { Builder } from "flatbuffers";
import type { ArrowField } from "./field.ts";
import { writeMetadata, writeSchema } from "./flatbuffer-schema.ts";

const METADATA_V5 = 4;
const HEADER_SCHEMA = 1;
const HEADER_DICTIONARY_BATCH = 2;
const HEADER_RECORD_BATCH = 3;

/** `struct FieldNode`. */
export interface FieldNode {
  length: number;
  nullCount: number;
}

/** Where a buffer lies in the body of its message (`struct Buffer`). */
export interface BufferPlace {
  offset: number;
  length: number;
}

export interface BatchHeader {
  rowCount: number;
  nodes: readonly FieldNode[];
  buffers: readonly BufferPlace[];
  bodyLength: number;
  /** Set for the values of a dictionary. */
  dictionaryId?: number;
}

/** Where a message lies in a file (`struct Block`); `metadataLength` counts the prefix and the padding. */
export interface Block {
  offset: number;
  metadataLength: number;
  bodyLength: number;
}

export function schemaMessage(fields: readonly ArrowField[]): Uint8Array {
  const builder = new Builder(1024);
  return finishMessage(builder, { type: HEADER_SCHEMA, header: writeSchema(builder, fields), bodyLength: 0 });
}

export function batchMessage(batch: BatchHeader): Uint8Array {
  const builder = new Builder(1024);
  const header = writeRecordBatch(builder, batch);
  const { bodyLength } = batch;
  if (batch.dictionaryId === undefined) {
    return finishMessage(builder, { type: HEADER_RECORD_BATCH, header, bodyLength });
  }
  builder.startObject(3);
  builder.addFieldInt64(0, BigInt(batch.dictionaryId), 0n);
  builder.addFieldOffset(1, header, 0);
  return finishMessage(builder, { type: HEADER_DICTIONARY_BATCH, header: builder.endObject(), bodyLength });
}

export interface FooterContent {
  fields: readonly ArrowField[];
  dictionaries: readonly Block[];
  batches: readonly Block[];
  metadata: readonly (readonly [string, string])[];
}

export function footer(content: FooterContent): Uint8Array {
  const builder = new Builder(4096);
  const metadata = writeMetadata(builder, content.metadata);
  const batches = writeBlocks(builder, content.batches);
  const dictionaries = writeBlocks(builder, content.dictionaries);
  const schema = writeSchema(builder, content.fields);
  builder.startObject(5);
  builder.addFieldInt16(0, METADATA_V5, 0);
  builder.addFieldOffset(1, schema, 0);
  builder.addFieldOffset(2, dictionaries, 0);
  builder.addFieldOffset(3, batches, 0);
  builder.addFieldOffset(4, metadata, 0);
  builder.finish(builder.endObject());
  return builder.asUint8Array();
}

function writeRecordBatch(builder: Builder, batch: BatchHeader): number {
  builder.startVector(16, batch.nodes.length, 8);
  for (let i = batch.nodes.length - 1; i >= 0; i--) {
    writeLongs(builder, batch.nodes[i]!.length, batch.nodes[i]!.nullCount);
  }
  const nodes = builder.endVector();
  builder.startVector(16, batch.buffers.length, 8);
  for (let i = batch.buffers.length - 1; i >= 0; i--) {
    writeLongs(builder, batch.buffers[i]!.offset, batch.buffers[i]!.length);
  }
  const buffers = builder.endVector();
  builder.startObject(5);
  builder.addFieldInt64(0, BigInt(batch.rowCount), 0n);
  builder.addFieldOffset(1, nodes, 0);
  builder.addFieldOffset(2, buffers, 0);
  return builder.endObject();
}

/** A struct of two longs; flatbuffers are written from the end. */
function writeLongs(builder: Builder, first: number, second: number): void {
  builder.prep(8, 16);
  builder.writeInt64(BigInt(second));
  builder.writeInt64(BigInt(first));
}

function writeBlocks(builder: Builder, blocks: readonly Block[]): number {
  builder.startVector(24, blocks.length, 8);
  for (let i = blocks.length - 1; i >= 0; i--) {
    const block = blocks[i]!;
    builder.prep(8, 24);
    builder.writeInt64(BigInt(block.bodyLength));
    builder.pad(4);
    builder.writeInt32(block.metadataLength);
    builder.writeInt64(BigInt(block.offset));
  }
  return builder.endVector();
}

interface MessageParts {
  type: number;
  header: number;
  bodyLength: number;
}

/** `table Message { version; header: MessageHeader; bodyLength; custom_metadata }`. */
function finishMessage(builder: Builder, parts: MessageParts): Uint8Array {
  builder.startObject(5);
  builder.addFieldInt16(0, METADATA_V5, 0);
  builder.addFieldInt8(1, parts.type, 0);
  builder.addFieldOffset(2, parts.header, 0);
  builder.addFieldInt64(3, BigInt(parts.bodyLength), 0n);
  builder.finish(builder.endObject());
  return builder.asUint8Array();
}
