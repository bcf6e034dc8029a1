import { join } from "node:path";
import { UINTEGER, type DuckDBConnection, type DuckDBResult } from "@duckdb/node-api";
import type { ProductFile, ProductSpec } from "#contract/product.ts";
import {
  fixedItems,
  openArrowFiles,
  typeName,
  UnsupportedType,
  type ArrowFileSet,
  type FileColumn,
} from "../arrow/index.ts";
import { ingestFailed } from "./failure.ts";
import { groupColumns, type FileGroup } from "./file-groups.ts";
import type { NumberedSubjects } from "./subjects.ts";

const ORDINAL = UINTEGER;

export interface WriteOptions {
  spec: ProductSpec;
  directory: string;
  relation: string;
  /** SQL of each declared column. */
  expressions: readonly string[];
  /** When there is a subject key, whose column then holds the ordinals. */
  subjects: NumberedSubjects | undefined;
  bytesPerBatch: number;
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
  const { spec, expressions, subjects, relation } = options;
  const selected = expressions.map((expression, i) => `${expression} AS c${i}`).join(", ");
  const result = await connection.stream(`SELECT ${selected} FROM ${relation}`);
  const groups = groupColumns(spec);
  using fileSet = openFiles(options, groups, result);
  const rowCount = await copyRows(result, fileSet, options);
  subjects?.rows.requireAllTaken();
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
  const types = result.columnTypes().map((type, i) => typeName(i === subjects?.column ? ORDINAL : type));
  return { files, rowCount, types, nullCounts };
}

function openFiles(options: WriteOptions, groups: readonly FileGroup[], result: DuckDBResult): ArrowFileSet {
  const { spec, directory, bytesPerBatch, subjects } = options;
  const files = groups.map((group) => ({
    path: join(directory, group.path),
    columns: group.columns.map((index): FileColumn => {
      const { name } = spec.columns[index]!;
      // only the file that is mounted nowhere has the key itself
      if (!subjects || index !== subjects.column || group.zone) return { name, type: result.columnType(index), index };
      return { name, type: ORDINAL, index: (count) => fixedItems(subjects.rows.take(count)) };
    }),
  }));
  try {
    return openArrowFiles(files, { bytesPerBatch });
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
