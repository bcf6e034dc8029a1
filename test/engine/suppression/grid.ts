/** Small tables of numbers with all their totals, for tests of suppression. */
import { linkTables, type LinkedTables, type TableShape } from "#engine/suppression/index.ts";

/** Every way of leaving out some of the keys, from those that keep most to the grand total. */
export function marginsOf(codes: readonly Int32Array[], kept: readonly (readonly number[])[]): TableShape[] {
  const atoms = codes[0]!.length;
  return kept.map((keys) => {
    const places = new Map<string, number>();
    const of = Int32Array.from({ length: atoms }, (_, atom) => {
      const text = keys.map((key) => codes[key]![atom]).join(" ");
      const place = places.get(text) ?? places.size;
      places.set(text, place);
      return place;
    });
    return { keys, of };
  });
}

/** A full table of the given sizes with the totals over the given keys. */
export function gridOf(sizes: readonly number[], kept: readonly (readonly number[])[]): LinkedTables {
  const atoms = sizes.reduce((product, size) => product * size, 1);
  const codes = sizes.map((size, key) => {
    const below = sizes.slice(key + 1).reduce((product, one) => product * one, 1);
    return Int32Array.from({ length: atoms }, (_, atom) => Math.floor(atom / below) % size);
  });
  return linkTables(codes, marginsOf(codes, kept));
}

export const CUBE_2 = [[0], [1], []] as const;
export const CUBE_3 = [[0, 1], [0, 2], [1, 2], [0], [1], [2], []] as const;

/** Nothing hidden yet. */
export function emptyPattern(tables: LinkedTables): Uint8Array[] {
  return tables.tables.map(({ members }) => new Uint8Array(members.length));
}
