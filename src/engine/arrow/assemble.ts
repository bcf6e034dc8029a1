import type { BatchParts } from "./builder.ts";
import { dictionaryParts, type Dictionary } from "./dictionary.ts";
import type { ArrowField } from "./field.ts";
import { batchMessage, schemaMessage, type BatchHeader, type BufferPlace } from "./flatbuffer-message.ts";
import { endOfStream, frameMetadata, padded, padding } from "./layout.ts";

/** An encapsulated message in pieces, in the order in which they are written. */
export interface Message {
  pieces: Uint8Array[];
  metadataLength: number;
  bodyLength: number;
  /** What a batch says of its buffers; a schema has none. */
  header?: BatchHeader;
}

export interface DictionaryBatch {
  id: number;
  values: readonly string[];
}

/** A whole IPC stream. Every message is a multiple of 64 bytes, so each can be framed as if it were the first. */
export function assembleStream(
  fields: readonly ArrowField[],
  dictionaries: readonly DictionaryBatch[],
  batches: readonly Message[],
): Uint8Array {
  return joinStream(streamMessages(fields, dictionaries, batches));
}

export function streamMessages(
  fields: readonly ArrowField[],
  dictionaries: readonly DictionaryBatch[],
  batches: readonly Message[],
): Message[] {
  return [
    schema(fields, 0),
    ...dictionaries.map(({ id, values }) => dictionaryBatch({ id, values: () => values }, 0)),
    ...batches,
  ];
}

export function joinStream(messages: readonly Message[]): Uint8Array {
  return joined([...messages.flatMap((message) => message.pieces), endOfStream()]);
}

export function schema(fields: readonly ArrowField[], position: number): Message {
  const metadata = frameMetadata(schemaMessage(fields), position);
  return { pieces: [metadata], metadataLength: metadata.byteLength, bodyLength: 0 };
}

export function dictionaryBatch(dictionary: Dictionary, position: number): Message {
  const values = dictionary.values();
  return batch(dictionaryParts(values), { rowCount: values.length, position, dictionaryId: dictionary.id });
}

/** The pieces refer to the buffers of `parts`; nothing is copied. */
export function batch(
  parts: BatchParts,
  options: { rowCount: number; position: number; dictionaryId?: number },
): Message {
  const places: BufferPlace[] = [];
  const body: Uint8Array[] = [];
  let bodyLength = 0;
  for (const buffer of parts.buffers) {
    places.push({ offset: bodyLength, length: buffer.byteLength });
    body.push(buffer, padding(buffer.byteLength));
    bodyLength += padded(buffer.byteLength);
  }
  const { position, rowCount, dictionaryId } = options;
  const of = dictionaryId === undefined ? {} : { dictionaryId };
  const header: BatchHeader = { rowCount, nodes: parts.nodes, buffers: places, bodyLength, ...of };
  const metadata = frameMetadata(batchMessage(header), position);
  return {
    pieces: [metadata, ...body.filter((piece) => piece.byteLength > 0)],
    metadataLength: metadata.byteLength,
    bodyLength,
    header,
  };
}

export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.byteLength, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.byteLength;
  }
  return bytes;
}
