import { unreadable } from "./kind.ts";

const LONGEST = Number.MAX_SAFE_INTEGER;

/**
 * A table of a flatbuffer whose bytes nobody vouches for: each access checks that it stays within them, and throws
 * `bad_arrow_file` where it does not (format: https://flatbuffers.dev/internals/).
 */
export class FlatTable {
  readonly #view: DataView;
  readonly #at: number;
  readonly #vtable: number;
  readonly #vtableBytes: number;

  private constructor(view: DataView, at: number) {
    this.#view = view;
    this.#at = at;
    this.#need(at, 4);
    this.#vtable = at - view.getInt32(at, true);
    this.#need(this.#vtable, 4);
    this.#vtableBytes = view.getUint16(this.#vtable, true);
    if (this.#vtableBytes < 4 || this.#vtableBytes % 2 !== 0) throw unreadable();
    this.#need(this.#vtable, this.#vtableBytes);
  }

  static root(bytes: Uint8Array): FlatTable {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (view.byteLength < 8) throw unreadable();
    return new FlatTable(view, view.getUint32(0, true));
  }

  has(member: number): boolean {
    return this.#place(member, 1) !== undefined;
  }

  uint8(member: number): number {
    const place = this.#place(member, 1);
    return place === undefined ? 0 : this.#view.getUint8(place);
  }

  int16(member: number): number {
    const place = this.#place(member, 2);
    return place === undefined ? 0 : this.#view.getInt16(place, true);
  }

  int32(member: number): number {
    const place = this.#place(member, 4);
    return place === undefined ? 0 : this.#view.getInt32(place, true);
  }

  /** A 64-bit length or number of something: not negative, and exact as a JavaScript number. */
  length(member: number): number {
    const place = this.#place(member, 8);
    return place === undefined ? 0 : this.#long(place);
  }

  table(member: number): FlatTable | undefined {
    const target = this.#target(member);
    return target === undefined ? undefined : new FlatTable(this.#view, target);
  }

  /** A vector of tables, one after the other. */
  *tables(member: number): Iterable<FlatTable> {
    const { begin, count } = this.#vector(member, 4);
    for (let i = 0; i < count; i++) {
      const place = begin + i * 4;
      yield new FlatTable(this.#view, place + this.#view.getUint32(place, true));
    }
  }

  /** A vector of structs of two 64-bit lengths. */
  *pairs(member: number): Iterable<[first: number, second: number]> {
    const { begin, count } = this.#vector(member, 16);
    for (let i = 0; i < count; i++) yield [this.#long(begin + i * 16), this.#long(begin + i * 16 + 8)];
  }

  /** Checks a text without reading it. */
  string(member: number): void {
    this.#vector(member, 1);
  }

  #vector(member: number, width: number): { begin: number; count: number } {
    const target = this.#target(member);
    if (target === undefined) return { begin: 0, count: 0 };
    this.#need(target, 4);
    const count = this.#view.getUint32(target, true);
    this.#need(target + 4, count * width);
    return { begin: target + 4, count };
  }

  #target(member: number): number | undefined {
    const place = this.#place(member, 4);
    return place === undefined ? undefined : place + this.#view.getUint32(place, true);
  }

  #place(member: number, width: number): number | undefined {
    const slot = 4 + member * 2;
    if (slot >= this.#vtableBytes) return undefined;
    const offset = this.#view.getUint16(this.#vtable + slot, true);
    if (offset === 0) return undefined;
    this.#need(this.#at + offset, width);
    return this.#at + offset;
  }

  #long(at: number): number {
    const value = this.#view.getBigInt64(at, true);
    if (value < 0n || value > BigInt(LONGEST)) throw unreadable();
    return Number(value);
  }

  #need(at: number, bytes: number): void {
    if (at < 0 || at + bytes > this.#view.byteLength) throw unreadable();
  }
}
