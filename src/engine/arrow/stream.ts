import type { DuckDBDataChunk, DuckDBResult } from "@duckdb/node-api";
import type { ScriptTableLayout } from "#contract/script-table.ts";
import { batch, joined, joinStream, streamMessages, type Message } from "./assemble.ts";
import type { BatchParts } from "./builder.ts";
import { createColumn, typeName, type Column } from "./column.ts";
import { loadChunk } from "./chunk.ts";
import type { Dictionary } from "./dictionary.ts";
import { OutputTooLarge } from "./errors.ts";
import { ROWS_PER_BATCH } from "./layout.ts";
import { streamLayout } from "./stream-layout.ts";

/** A table as one Arrow IPC stream. */
export interface EncodedTable {
  bytes: Uint8Array;
  rowCount: number;
  /** Names are unique; types are DuckDB's. */
  columns: { name: string; type: string }[];
}

/** A table whose reader need not parse it. */
export interface LaidOutTable extends EncodedTable {
  layout: ScriptTableLayout;
}

export interface OutputLimits {
  maxRows: number;
  maxBytes: number;
}

/**
 * Encodes a result (best a streaming one: `connection.stream(sql)`) as an Arrow IPC stream, in one batch up to
 * 122,880 rows. Throws `OutputTooLarge` as soon as a limit is passed, and `UnsupportedType`; the rest of the result
 * is not fetched then.
 */
export async function encodeArrowStream(result: DuckDBResult, limits: OutputLimits): Promise<LaidOutTable> {
  const collected: Dictionary[] = [];
  const types = result.columnTypes();
  const names = result.deduplicatedColumnNames();
  const columns = names.map((name, i) =>
    createColumn(name, types[i]!, { dictionaries: "used", decimals: "wide", collected }),
  );
  const collector = createCollector(columns, limits);
  for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    collector.append(chunk);
  }
  const batches = collector.finish();
  const dictionaries = collected.map(({ id, values }) => ({ id, values: values() }));
  const fields = columns.map((column) => column.field);
  const messages = streamMessages(fields, dictionaries, batches);
  const bytes = joinStream(messages);
  if (bytes.byteLength > limits.maxBytes) throw new OutputTooLarge("bytes");
  return {
    bytes,
    rowCount: collector.rowCount(),
    columns: names.map((name, i) => ({ name, type: typeName(types[i]!) })),
    layout: streamLayout(fields, messages),
  };
}

interface Collector {
  append(chunk: DuckDBDataChunk): void;
  finish(): Message[];
  rowCount(): number;
}

function createCollector(columns: readonly Column[], limits: OutputLimits): Collector {
  const batches: Message[] = [];
  let doneBytes = 0;
  let rowCount = 0;
  let rowsInBatch = 0;

  function endBatch(): void {
    const parts: BatchParts = { nodes: [], buffers: [] };
    for (const { builder } of columns) builder.collect(parts);
    const message = batch(parts, { rowCount: rowsInBatch, position: 0 });
    // the builders use their memory again, so the pieces must not point into it
    const bytes = joined(message.pieces);
    batches.push({ ...message, pieces: [bytes] });
    doneBytes += bytes.byteLength;
    rowsInBatch = 0;
    for (const { builder } of columns) builder.reset();
  }

  return {
    append(chunk) {
      rowCount += chunk.rowCount;
      if (rowCount > limits.maxRows) throw new OutputTooLarge("rows");
      const vectors = loadChunk(chunk, columns);
      let start = 0;
      while (start < chunk.rowCount) {
        const count = Math.min(chunk.rowCount - start, ROWS_PER_BATCH - rowsInBatch);
        for (let i = 0; i < columns.length; i++) columns[i]!.builder.append(vectors[i]!, start, count);
        start += count;
        rowsInBatch += count;
        if (rowsInBatch === ROWS_PER_BATCH) endBatch();
      }
      const openBytes = columns.reduce((sum, column) => sum + column.builder.byteLength(), 0);
      if (doneBytes + openBytes > limits.maxBytes) throw new OutputTooLarge("bytes");
    },
    finish() {
      if (rowsInBatch > 0) endBatch();
      return batches;
    },
    rowCount: () => rowCount,
  };
}
