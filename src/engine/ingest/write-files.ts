import { join } from "node:path";
import type { DuckDBConnection, DuckDBResult } from "@duckdb/node-api";
import type { ProductFile, ProductSpec } from "#contract/product.ts";
import { openArrowFiles, typeName, UnsupportedType, type ArrowFileSet } from "../arrow/index.ts";
import { ingestFailed } from "./failure.ts";
import { groupColumns, type FileGroup } from "./file-groups.ts";

export interface WriteOptions {
  spec: ProductSpec;
  directory: string;
  relation: string;
  /** SQL of each declared column. */
  expressions: readonly string[];
  /** SQL of the real subject key, when the declared column holds the ordinal. */
  realKey: string | undefined;
  /** The arrow folder's own unless said otherwise. */
  bytesPerBatch?: number | undefined;
  onRows(rows: number): void;
  signal: AbortSignal | undefined;
}

export interface WrittenFiles {
  files: ProductFile[];
  rowCount: number;
  /** DuckDB's names of the types, by declared column. */
  types: string[];
  /** By declared column. */
  nullCounts: number[];
}

/** One pass over the source writes all files: the same rows in the same batches. */
export async function writeFiles(connection: DuckDBConnection, options: WriteOptions): Promise<WrittenFiles> {
  const { spec, expressions, realKey, relation } = options;
  const items = realKey === undefined ? expressions : [...expressions, realKey];
  const selected = items.map((expression, i) => `${expression} AS c${i}`).join(", ");
  const result = await connection.stream(`SELECT ${selected} FROM ${relation}`);
  const groups = groupColumns(spec);
  using fileSet = openFiles(options, groups, result);
  const rowCount = await copyRows(result, fileSet, options);
  const summaries = fileSet.finish();
  const nullCounts = spec.columns.map(() => 0);
  const files = groups.map((group, place): ProductFile => {
    const summary = summaries[place]!;
    const columns = group.columns.map((column) => spec.columns[column]!.name);
    const file = { path: group.path, columns, bytes: summary.bytes, digest: summary.digest };
    if (group.zone) return { ...file, zone: group.zone };
    group.columns.forEach((column, i) => (nullCounts[column] = summary.nullCounts[i]!));
    return file;
  });
  return { files, rowCount, types: result.columnTypes().slice(0, spec.columns.length).map(typeName), nullCounts };
}

function openFiles(options: WriteOptions, groups: readonly FileGroup[], result: DuckDBResult): ArrowFileSet {
  const { spec, directory, bytesPerBatch } = options;
  const files = groups.map((group) => ({
    path: join(directory, group.path),
    columns: group.columns.map((i) => {
      // the real key is selected behind the declared columns
      const index = group.zone ? spec.columns.length : i;
      return { name: spec.columns[i]!.name, type: result.columnType(index), index };
    }),
  }));
  try {
    return openArrowFiles(files, bytesPerBatch === undefined ? {} : { bytesPerBatch });
  } catch (error) {
    if (!(error instanceof UnsupportedType)) throw error;
    throw ingestFailed(`a column has the type ${error.type}, which a data product cannot hold`, {
      column: error.column,
    });
  }
}

async function copyRows(result: DuckDBResult, fileSet: ArrowFileSet, options: WriteOptions): Promise<number> {
  let rowCount = 0;
  // DuckDB makes the next chunk while this one is written
  let next = result.fetchChunk();
  for (;;) {
    const chunk = await next;
    if (!chunk || chunk.rowCount === 0) return rowCount;
    options.signal?.throwIfAborted();
    next = result.fetchChunk();
    // without this a failure of the write below would leave the fetch without anyone to hear it
    next.catch(() => undefined);
    fileSet.append(chunk);
    rowCount += chunk.rowCount;
    options.onRows(rowCount);
  }
}
