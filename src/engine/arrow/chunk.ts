import duckdb from "@duckdb/node-bindings";
import type { DuckDBDataChunk } from "@duckdb/node-api";
import type { Column } from "./column.ts";
import type { LoadedVector } from "./vector.ts";

/** Copies the vectors of a chunk, in the order of `columns` (or the vectors at `indexes`). */
export function loadChunk(
  chunk: DuckDBDataChunk,
  columns: readonly Column[],
  indexes?: readonly number[],
): LoadedVector[] {
  const size = chunk.rowCount;
  return columns.map((column, i) =>
    column.load(duckdb.data_chunk_get_vector(chunk.chunk, indexes?.[i] ?? i), size, undefined),
  );
}
