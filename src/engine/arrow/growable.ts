const FIRST_BYTES = 64;

/** A byte buffer that grows by doubling and is filled again after `reset`. Holds up to 2 GiB less one. */
export class GrowableBytes {
  bytes = new Uint8Array(FIRST_BYTES);
  length = 0;

  /** Makes room for `count` more bytes, counts them as written and returns where they begin. */
  extend(count: number): number {
    const begin = this.length;
    const needed = begin + count;
    if (needed > 0x7fffffff) throw new RangeError("an Arrow buffer is longer than 2 GiB");
    if (needed > this.bytes.byteLength) this.#grow(needed);
    this.length = needed;
    return begin;
  }

  content(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  reset(): void {
    this.length = 0;
  }

  #grow(needed: number): void {
    const larger = new Uint8Array(Math.max(needed, Math.min(this.bytes.byteLength * 2, 0x7fffffff)));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }
}
