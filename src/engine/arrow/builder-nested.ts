import { BitmapBuilder, isValid } from "./bitmap.ts";
import type { ColumnBuilder } from "./builder.ts";
import { OffsetsBuilder, wordsOf } from "./builder-strings.ts";
import type { LoadedVector } from "./vector.ts";

export function structBuilder(entries: readonly ColumnBuilder[]): ColumnBuilder {
  const validity = new BitmapBuilder();
  return {
    append(rows, start, count) {
      validity.append(rows.mask, start, count);
      entries.forEach((entry, i) => entry.append(rows.children[i]!, start, count));
    },
    measure: (rows, start, count) =>
      entries.reduce((sum, entry, i) => sum + entry.measure(rows.children[i]!, start, count), 0),
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
      appendEnds(rows, { start, count }, offsets);
      for (const run of listRuns(rows, start, count)) item.append(rows.children[0]!, run.begin, run.length);
      validity.append(rows.mask, start, count);
    },
    measure: (rows, start, count) =>
      listRuns(rows, start, count).reduce(
        (sum, run) => sum + item.measure(rows.children[0]!, run.begin, run.length),
        count * 4,
      ),
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

/** Items that lie together in DuckDB's vector and are wanted in that order. */
interface Run {
  begin: number;
  length: number;
}

function listRuns(rows: LoadedVector, start: number, count: number): Run[] {
  const words = wordsOf(rows);
  const runs: Run[] = [];
  let run: Run | undefined;
  for (let row = start; row < start + count; row++) {
    const length = !rows.mask || isValid(rows.mask, row) ? words[row * 4 + 2]! : 0;
    if (length === 0) continue;
    const begin = words[row * 4]!;
    if (run && begin === run.begin + run.length) run.length += length;
    else runs.push((run = { begin, length }));
  }
  return runs;
}

function appendEnds(rows: LoadedVector, { start, count }: { start: number; count: number }, to: OffsetsBuilder): void {
  const words = wordsOf(rows);
  let end = to.last;
  const ends = to.extend(count);
  for (let i = 0; i < count; i++) {
    if (!rows.mask || isValid(rows.mask, start + i)) end += words[(start + i) * 4 + 2]!;
    ends[i] = end;
  }
}

export function fixedListBuilder(item: ColumnBuilder, length: number): ColumnBuilder {
  const validity = new BitmapBuilder();
  return {
    append(rows, start, count) {
      validity.append(rows.mask, start, count);
      item.append(rows.children[0]!, start * length, count * length);
    },
    measure: (rows, start, count) => item.measure(rows.children[0]!, start * length, count * length),
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
