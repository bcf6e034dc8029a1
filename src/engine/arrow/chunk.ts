import duckdb from "@duckdb/node-bindings";
import type { DuckDBDataChunk } from "@duckdb/node-api";
import type { Column } from "./column.ts";
import type { LoadedVector } from "./vector.ts";

/** Position of a vector in a chunk, or what makes one of so many rows that no chunk has. */
export type VectorSource = number | ((rowCount: number) => LoadedVector);

/** Copies the vectors of a chunk, in the order of `columns` (or those of `sources`). */
export function loadChunk(
  chunk: DuckDBDataChunk,
  columns: readonly Column[],
  sources?: readonly VectorSource[],
): LoadedVector[] {
  const size = chunk.rowCount;
  return columns.map((column, i) => {
    const source = sources?.[i] ?? i;
    if (typeof source !== "number") return source(size);
    return column.load(duckdb.data_chunk_get_vector(chunk.chunk, source), size, undefined);
  });
}
