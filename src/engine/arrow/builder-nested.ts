import { BitmapBuilder, isValid } from "./bitmap.ts";
import type { ColumnBuilder } from "./builder.ts";
import { OffsetsBuilder } from "./builder-strings.ts";
import type { LoadedVector } from "./vector.ts";

export function structBuilder(entries: readonly ColumnBuilder[]): ColumnBuilder {
  const validity = new BitmapBuilder();
  return {
    append(rows, start, count) {
      validity.append(rows.mask, start, count);
      entries.forEach((entry, i) => entry.append(rows.children[i]!, start, count));
    },
    collect(parts) {
      parts.nodes.push({ length: validity.length, nullCount: validity.nullCount });
      parts.buffers.push(validity.content());
      for (const entry of entries) entry.collect(parts);
    },
    reset() {
      validity.reset();
      for (const entry of entries) entry.reset();
    },
    byteLength: () => entries.reduce((sum, entry) => sum + entry.byteLength(), validity.length >> 3),
  };
}

export function listBuilder(item: ColumnBuilder): ColumnBuilder {
  const validity = new BitmapBuilder();
  const offsets = new OffsetsBuilder();
  return {
    append(rows, start, count) {
      appendLists({ rows, start, count }, item, offsets);
      validity.append(rows.mask, start, count);
    },
    collect(parts) {
      parts.nodes.push({ length: validity.length, nullCount: validity.nullCount });
      parts.buffers.push(validity.content(), offsets.content());
      item.collect(parts);
    },
    reset() {
      validity.reset();
      offsets.reset();
      item.reset();
    },
    byteLength: () => item.byteLength() + offsets.byteLength + (validity.length >> 3),
  };
}

interface Lists {
  rows: LoadedVector;
  start: number;
  count: number;
}

/** Appends the items of the lists in the order of the rows; runs that lie together in DuckDB's vector go at once. */
function appendLists({ rows, start, count }: Lists, item: ColumnBuilder, offsets: OffsetsBuilder): void {
  const words = new Uint32Array(rows.data.buffer, rows.data.byteOffset, rows.data.byteLength / 4);
  const items = rows.children[0]!;
  let end = offsets.last;
  const ends = offsets.extend(count);
  let run = { begin: 0, length: 0 };
  for (let i = 0; i < count; i++) {
    const row = start + i;
    const length = !rows.mask || isValid(rows.mask, row) ? words[row * 4 + 2]! : 0;
    if (length > 0) {
      const begin = words[row * 4]!;
      if (run.length > 0 && begin !== run.begin + run.length) {
        item.append(items, run.begin, run.length);
        run = { begin, length: 0 };
      }
      if (run.length === 0) run.begin = begin;
      run.length += length;
      end += length;
    }
    ends[i] = end;
  }
  if (run.length > 0) item.append(items, run.begin, run.length);
}

export function fixedListBuilder(item: ColumnBuilder, length: number): ColumnBuilder {
  const validity = new BitmapBuilder();
  return {
    append(rows, start, count) {
      validity.append(rows.mask, start, count);
      item.append(rows.children[0]!, start * length, count * length);
    },
    collect(parts) {
      parts.nodes.push({ length: validity.length, nullCount: validity.nullCount });
      parts.buffers.push(validity.content());
      item.collect(parts);
    },
    reset() {
      validity.reset();
      item.reset();
    },
    byteLength: () => item.byteLength() + (validity.length >> 3),
  };
}
