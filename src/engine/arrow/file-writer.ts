import { createHash } from "node:crypto";
import { closeSync, fsyncSync, openSync, writevSync } from "node:fs";
import type { DuckDBDataChunk, DuckDBType } from "@duckdb/node-api";
import type { Digest } from "#kernel/digest.ts";
import { batch, dictionaryBatch, schema, type Message } from "./assemble.ts";
import type { BatchParts } from "./builder.ts";
import { loadChunk, type VectorSource } from "./chunk.ts";
import { createColumn, type Column, type ColumnOptions } from "./column.ts";
import type { Dictionary } from "./dictionary.ts";
import { footer, type Block } from "./flatbuffer-message.ts";
import { endOfStream } from "./layout.ts";
import type { BatchStatistics } from "./statistics.ts";

export interface ArrowFileSummary {
  bytes: number;
  digest: Digest;
  rowCount: number;
  /** NULLs of each column, in the order of the columns. */
  nullCounts: number[];
}

export interface FileColumn {
  name: string;
  type: DuckDBType;
  /** Position of the column in the chunks, or what is asked for its rows once for each chunk, in order. */
  index: VectorSource;
}

export interface ArrowFileOptions {
  path: string;
  columns: readonly FileColumn[];
  /** `wide` for readers that do not know decimals of 32 and 64 bits; `narrow` unless said otherwise. */
  decimals?: ColumnOptions["decimals"];
}

/** Rows of a chunk on their way into a file. */
export interface PendingRows {
  /** Bytes that these rows add to the batch. */
  measure(start: number, count: number): number;
  append(start: number, count: number): void;
}

/** An Arrow IPC file under way. Memory: one batch. `dispose` without `finish` leaves an unreadable file behind. */
export interface BatchWriter extends Disposable {
  load(chunk: DuckDBDataChunk): PendingRows;
  /** Writes the rows since the last batch, of which there must be some, as a batch. */
  endBatch(): void;
  /** Writes the footer and makes the file durable. */
  finish(): ArrowFileSummary;
}

const MAGIC = Buffer.from("ARROW1");
const HEAD = Buffer.from("ARROW1\0\0");

/** Creates a file (it must not exist) and writes its schema and dictionaries. Throws `UnsupportedType`. */
export function openBatchWriter(options: ArrowFileOptions): BatchWriter {
  const collected: Dictionary[] = [];
  const columns = options.columns.map(({ name, type }) =>
    createColumn(name, type, { dictionaries: "declared", decimals: options.decimals ?? "narrow", collected }),
  );
  const file = openOutput(options.path);
  try {
    file.write([HEAD]);
    file.message(
      schema(
        columns.map((column) => column.field),
        file.position(),
      ),
    );
    const dictionaries = collected.map((dictionary) => file.message(dictionaryBatch(dictionary, file.position())));
    return batchWriter({ file, columns, dictionaries, options });
  } catch (error) {
    file.close();
    throw error;
  }
}

interface WriterState {
  file: Output;
  columns: readonly Column[];
  dictionaries: readonly Block[];
  options: ArrowFileOptions;
}

function batchWriter(state: WriterState): BatchWriter {
  const { file, columns, dictionaries, options } = state;
  const indexes = options.columns.map((column) => column.index);
  const batches = batchList(state);
  let rowCount = 0;
  let rowsInBatch = 0;

  return {
    load(chunk) {
      const vectors = loadChunk(chunk, columns, indexes);
      return {
        measure: (start, count) =>
          columns.reduce((sum, { builder }, i) => sum + builder.measure(vectors[i]!, start, count), 0),
        append(start, count) {
          columns.forEach(({ builder, range }, i) => {
            builder.append(vectors[i]!, start, count);
            range?.observe(vectors[i]!, start, count);
          });
          rowsInBatch += count;
        },
      };
    },
    endBatch() {
      batches.write(rowsInBatch);
      rowCount += rowsInBatch;
      rowsInBatch = 0;
    },
    finish() {
      const fields = columns.map((column) => column.field);
      const metadata: [string, string][] = [["sluice_stats", JSON.stringify(batches.statistics)]];
      const content = { fields, dictionaries, batches: batches.blocks, metadata };
      const { bytes, digest } = file.end(footer(content));
      return { bytes, digest, rowCount, nullCounts: batches.nullCounts };
    },
    [Symbol.dispose]: () => file.close(),
  };
}

interface BatchList {
  /** Writes what the columns have collected, and empties them. */
  write(rowCount: number): void;
  blocks: readonly Block[];
  nullCounts: number[];
  statistics: BatchStatistics;
}

function batchList({ file, columns }: WriterState): BatchList {
  const blocks: Block[] = [];
  const nullCounts = columns.map(() => 0);
  const tracked = columns.filter((column) => column.range);
  const statistics: BatchStatistics = { columns: tracked.map(({ field }) => ({ name: field.name, min: [], max: [] })) };
  return {
    blocks,
    nullCounts,
    statistics,
    write(rowCount) {
      const parts: BatchParts = { nodes: [], buffers: [] };
      columns.forEach(({ builder }, i) => {
        const own = parts.nodes.length;
        builder.collect(parts);
        nullCounts[i]! += parts.nodes[own]!.nullCount;
      });
      blocks.push(file.message(batch(parts, { rowCount, position: file.position() })));
      for (const { builder } of columns) builder.reset();
      tracked.forEach(({ range }, i) => {
        const { min, max } = range!.take();
        statistics.columns[i]!.min.push(min);
        statistics.columns[i]!.max.push(max);
      });
    },
  };
}

interface Output {
  position(): number;
  write(pieces: readonly Uint8Array[]): void;
  message(message: Message): Block;
  end(footerBytes: Uint8Array): { bytes: number; digest: Digest };
  close(): void;
}

function openOutput(path: string): Output {
  let fd: number | undefined = openSync(path, "wx", 0o640);
  let position = 0;
  const hash = createHash("sha256");
  const output: Output = {
    position: () => position,
    write(pieces) {
      if (fd === undefined) throw new Error("the Arrow file is closed");
      for (const piece of pieces) {
        hash.update(piece);
        position += piece.byteLength;
      }
      writeAll(fd, pieces);
    },
    message({ pieces, metadataLength, bodyLength }) {
      const offset = position;
      output.write(pieces);
      return { offset, metadataLength, bodyLength };
    },
    end(footerBytes) {
      const length = Buffer.alloc(4);
      length.writeInt32LE(footerBytes.byteLength);
      output.write([endOfStream(), footerBytes, length, MAGIC]);
      fsyncSync(fd!);
      output.close();
      return { bytes: position, digest: `sha256:${hash.digest("hex")}` };
    },
    close() {
      if (fd !== undefined) closeSync(fd);
      fd = undefined;
    },
  };
  return output;
}

const MOST_PIECES = 512;

function writeAll(fd: number, pieces: readonly Uint8Array[]): void {
  let rest = [...pieces];
  while (rest.length > 0) {
    let written = writevSync(fd, rest.slice(0, MOST_PIECES));
    while (rest.length > 0 && written >= rest[0]!.byteLength) {
      written -= rest[0]!.byteLength;
      rest = rest.slice(1);
    }
    if (written > 0) rest[0] = rest[0]!.subarray(written);
  }
}
