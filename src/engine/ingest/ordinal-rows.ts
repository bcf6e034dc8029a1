import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { ingestFailed } from "./failure.ts";

/** Rows whose ordinals are in memory at once: 64 MiB. */
const ROWS_PER_WINDOW = 1 << 24;
const PAIRS_PER_WRITE = 1 << 14;
const WORDS_PER_READ = 1 << 18;
/** No subject has it. */
const NONE = 0xffffffff;

export interface OrdinalRowsOptions {
  /** For what does not fit into memory. */
  directory: string;
  rowCount: number;
  /** Of 64 MiB of ordinals unless said otherwise. */
  rowsPerWindow?: number;
}

/**
 * The ordinals of all rows, put in by row number in any order (a join keeps none), taken out in order. Cheaper than a
 * sort, and bounded: with more rows than a window has, each window's pairs of row and ordinal are spooled to a file and
 * put in place when their turn comes.
 *
 * INVARIANT: no row is taken that was not put in, or evidence would count it for a wrong subject or none: the source
 * was changed then, and the ingest fails.
 */
export class OrdinalRows implements Disposable {
  readonly #options: Required<OrdinalRowsOptions>;
  readonly #spools: Spool[];
  #window: Uint32Array;
  #current = -1;
  #taken = 0;

  constructor(options: OrdinalRowsOptions) {
    this.#options = { rowsPerWindow: ROWS_PER_WINDOW, ...options };
    const { rowCount, rowsPerWindow, directory } = this.#options;
    const windows = Math.ceil(rowCount / rowsPerWindow);
    this.#window = new Uint32Array(Math.min(rowCount, rowsPerWindow)).fill(NONE);
    this.#spools =
      windows > 1 ? Array.from({ length: windows }, (_, i) => new Spool(join(directory, `rows-${i}`))) : [];
  }

  /** `rows`: numbers from 1; `ordinals`: as many. */
  put(rows: Float64Array, ordinals: Uint32Array): void {
    const { rowCount, rowsPerWindow } = this.#options;
    for (let i = 0; i < ordinals.length; i++) {
      const row = rows[i]! - 1;
      // negated, so that NaN is refused too
      if (!(row >= 0 && row < rowCount)) throw changed();
      if (this.#spools.length === 0) this.#window[row] = ordinals[i]!;
      else this.#spools[Math.floor(row / rowsPerWindow)]!.write(row % rowsPerWindow, ordinals[i]!);
    }
  }

  /** The ordinals of the next `count` rows as bytes, little endian. */
  take(count: number): Uint8Array {
    const { rowsPerWindow, rowCount } = this.#options;
    if (this.#taken + count > rowCount) throw changed();
    const ordinals = new Uint32Array(count);
    for (let done = 0; done < count;) {
      const start = this.#taken % rowsPerWindow;
      this.#open(Math.floor(this.#taken / rowsPerWindow));
      const part = this.#window.subarray(start, Math.min(start + count - done, rowsPerWindow));
      ordinals.set(part, done);
      done += part.length;
      this.#taken += part.length;
    }
    if (ordinals.includes(NONE)) throw changed();
    return new Uint8Array(ordinals.buffer);
  }

  /** Throws unless every row was taken. */
  requireAllTaken(): void {
    if (this.#taken !== this.#options.rowCount) throw changed();
  }

  [Symbol.dispose](): void {
    for (const spool of this.#spools) spool[Symbol.dispose]();
  }

  #open(window: number): void {
    if (window === this.#current) return;
    this.#current = window;
    const spool = this.#spools[window];
    if (!spool) return;
    this.#window.fill(NONE);
    spool.readInto(this.#window);
  }
}

function changed(): Error {
  return ingestFailed("the source was changed while it was read");
}

/** Pairs of numbers in a file. */
class Spool implements Disposable {
  readonly #fd: number;
  readonly #pairs = new Uint32Array(PAIRS_PER_WRITE * 2);
  #length = 0;
  #open = true;

  constructor(path: string) {
    this.#fd = openSync(path, "wx+", 0o600);
  }

  write(place: number, ordinal: number): void {
    this.#pairs[this.#length++] = place;
    this.#pairs[this.#length++] = ordinal;
    if (this.#length === this.#pairs.length) this.#flush();
  }

  readInto(target: Uint32Array): void {
    this.#flush();
    const words = new Uint32Array(WORDS_PER_READ);
    for (let position = 0; ;) {
      const bytes = readSync(this.#fd, words, 0, words.byteLength, position);
      if (bytes === 0) return;
      // a read that ends within a pair is taken up again at the pair
      const whole = bytes - (bytes % 8);
      if (whole === 0) throw changed();
      for (let i = 0; i < whole / 4; i += 2) target[words[i]!] = words[i + 1]!;
      position += whole;
    }
  }

  [Symbol.dispose](): void {
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
  }

  #flush(): void {
    let bytes = new Uint8Array(this.#pairs.buffer, 0, this.#length * 4);
    while (bytes.byteLength > 0) bytes = bytes.subarray(writeSync(this.#fd, bytes));
    this.#length = 0;
  }
}
