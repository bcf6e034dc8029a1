/** How encapsulated messages lie in a stream or file: every body and every buffer begins at a multiple of 64. */
export const ALIGNMENT = 64;

/**
 * Rows of a record batch: DuckDB's row group, sixty vectors of 2,048, so one batch is one task of a parallel scan.
 * Writing 3 M rows of five columns took 825, 705, 732, 754, 848 ms of processor time at 30,720 … 491,520 rows a batch.
 */
export const ROWS_PER_BATCH = 122_880;

const CONTINUATION = 0xffffffff;
const PREFIX_BYTES = 8;
const ZEROS = new Uint8Array(ALIGNMENT);

/** Length rounded up to the alignment. */
export function padded(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}

/** Zeros that fill a buffer of this length up to the alignment. */
export function padding(length: number): Uint8Array {
  return ZEROS.subarray(0, padded(length) - length);
}

/** Prefix, metadata and padding of a message that begins at `position`, such that its body begins aligned. */
export function frameMetadata(metadata: Uint8Array, position: number): Uint8Array {
  const total = padded(position + PREFIX_BYTES + metadata.byteLength) - position;
  const framed = new Uint8Array(total);
  const view = new DataView(framed.buffer);
  view.setUint32(0, CONTINUATION, true);
  view.setInt32(4, total - PREFIX_BYTES, true);
  framed.set(metadata, PREFIX_BYTES);
  return framed;
}

/** The mark after the last message. */
export function endOfStream(): Uint8Array {
  const bytes = new Uint8Array(PREFIX_BYTES);
  new DataView(bytes.buffer).setUint32(0, CONTINUATION, true);
  return bytes;
}
