/**
 * Arrow IPC, written by ourselves: streams of query results and the files of the cache. Owns the mapping from
 * DuckDB's types to Arrow's, the encapsulated messages and the file footer.
 *
 * Must never read untrusted Arrow bytes (`engine/render` does, with apache-arrow), never make an object per row,
 * and never let a value through that DuckDB holds behind a NULL: such slots are written as zeros.
 */
export { OutputTooLarge, UnsupportedType } from "./errors.ts";
export { encodeArrowStream, type EncodedTable, type LaidOutTable, type OutputLimits } from "./stream.ts";
export { openArrowFiles, type ArrowFileSet, type BatchLimits } from "./file-set.ts";
export { loadArrowExtension, mountProducts } from "./mount.ts";
export { encodeVectors } from "./encode-vectors.ts";
export { createColumn, typeName } from "./column.ts";
export { ROWS_PER_BATCH } from "./layout.ts";
export type { BatchStatistics } from "./statistics.ts";
export type { FileColumn } from "./file-writer.ts";
export { fixedItems, type LoadedVector } from "./vector.ts";
