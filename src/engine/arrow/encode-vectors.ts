import { assembleStream, batch, type Message } from "./assemble.ts";
import type { BatchParts } from "./builder.ts";
import type { Column } from "./column.ts";
import type { LoadedVector } from "./vector.ts";

/** An IPC stream of one batch out of vectors that were made in memory, in DuckDB's layout. */
export function encodeVectors(
  columns: readonly Column[],
  vectors: readonly LoadedVector[],
  rowCount: number,
): Uint8Array {
  const parts: BatchParts = { nodes: [], buffers: [] };
  columns.forEach(({ builder }, i) => {
    builder.append(vectors[i]!, 0, rowCount);
    builder.collect(parts);
  });
  const batches: Message[] = rowCount === 0 ? [] : [batch(parts, { rowCount, position: 0 })];
  return assembleStream(
    columns.map((column) => column.field),
    [],
    batches,
  );
}
