import type { DuckDBDataChunk } from "@duckdb/node-api";
import {
  openBatchWriter,
  type ArrowFileOptions,
  type ArrowFileSummary,
  type BatchWriter,
  type PendingRows,
} from "./file-writer.ts";
import { ROWS_PER_BATCH } from "./layout.ts";

export interface BatchLimits {
  rowsPerBatch?: number;
  /** Of all files together. A batch of one row may have more. */
  bytesPerBatch?: number;
}

/** Files that hold columns of the same rows under way. INVARIANT: their batches end at the same rows. */
export interface ArrowFileSet extends Disposable {
  append(chunk: DuckDBDataChunk): void;
  /** Writes the rest and the footers; in the order of the files. */
  finish(): ArrowFileSummary[];
}

/**
 * A buffer of strings reaches to 2 GiB less one, and all of a batch is in memory until it is written: 128 MiB are
 * more than a thousand bytes a row in a full batch, and leave an ingest within its memory where rows are longer.
 */
const BYTES_PER_BATCH = 128 * 1024 * 1024;

/** Creates files (they must not exist) of the same rows. Throws `UnsupportedType`; then none is left open. */
export function openArrowFiles(files: readonly ArrowFileOptions[], limits: BatchLimits = {}): ArrowFileSet {
  using stack = new DisposableStack();
  const writers = files.map((file) => stack.use(openBatchWriter(file)));
  return fileSet(writers, limits, stack.move());
}

function fileSet(writers: readonly BatchWriter[], limits: BatchLimits, stack: DisposableStack): ArrowFileSet {
  const { rowsPerBatch = ROWS_PER_BATCH, bytesPerBatch = BYTES_PER_BATCH } = limits;
  let rowsInBatch = 0;
  let bytesInBatch = 0;

  function endBatch(): void {
    for (const writer of writers) writer.endBatch();
    rowsInBatch = 0;
    bytesInBatch = 0;
  }

  return {
    append(chunk) {
      const pending = writers.map((writer) => writer.load(chunk));
      let start = 0;
      while (start < chunk.rowCount) {
        const most = { start, rows: Math.min(chunk.rowCount - start, rowsPerBatch - rowsInBatch) };
        const fitting = rowsThatFit(pending, most, bytesPerBatch - bytesInBatch);
        if (fitting.rows === 0 && rowsInBatch > 0) {
          endBatch();
          continue;
        }
        const count = Math.max(1, fitting.rows);
        for (const rows of pending) rows.append(start, count);
        start += count;
        rowsInBatch += count;
        bytesInBatch += fitting.bytes;
        if (rowsInBatch === rowsPerBatch || fitting.rows === 0) endBatch();
      }
    },
    finish() {
      if (rowsInBatch > 0) endBatch();
      return writers.map((writer) => writer.finish());
    },
    [Symbol.dispose]: () => stack.dispose(),
  };
}

/** The most rows whose bytes are within the limit. */
function rowsThatFit(
  pending: readonly PendingRows[],
  { start, rows }: { start: number; rows: number },
  limit: number,
): { rows: number; bytes: number } {
  const measure = (count: number): number => pending.reduce((sum, one) => sum + one.measure(start, count), 0);
  const bytes = measure(rows);
  if (bytes <= limit) return { rows, bytes };
  let fits = 0;
  let tooMany = rows;
  while (tooMany - fits > 1) {
    const middle = (fits + tooMany) >> 1;
    if (measure(middle) <= limit) fits = middle;
    else tooMany = middle;
  }
  return { rows: fits, bytes: measure(fits) };
}
