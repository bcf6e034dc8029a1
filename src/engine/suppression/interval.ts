import { SHOWN, type Pattern } from "./pattern.ts";
import { largestGain, type ZeroSumProgram } from "./simplex.ts";
import type { LinkedTables } from "./tables.ts";

/** How far below and above its true value a hidden cell might be. */
export interface Interval {
  below: number;
  above: number;
}

/**
 * The interval in which everybody sees a cell to lie who knows all shown cells, and that nothing is below zero: two linear
 * programs over the hidden atoms. Relative to the true value, so that nobody needs to hold that.
 */
export function feasibleInterval(
  tables: LinkedTables,
  { pattern, room }: { pattern: Pattern; room: Float64Array },
  target: { table: number; cell: number },
): Interval {
  const hidden = [...pattern[0]!.keys()].filter((atom) => pattern[0]![atom] !== SHOWN);
  const places = new Map<string, number>();
  const entries = hidden.map((atom) =>
    tables.tables.flatMap(({ of }, table) => {
      if (table === 0 || pattern[table]![of[atom]!] !== SHOWN) return [];
      const key = `${table} ${of[atom]!}`;
      const place = places.get(key) ?? places.size;
      places.set(key, place);
      return [place];
    }),
  );
  const { of } = tables.tables[target.table]!;
  const extreme = (direction: 1 | -1): number => {
    const columns = hidden.flatMap((atom, i): ZeroSumProgram["columns"] => {
      const gain = of[atom] === target.cell ? direction : 0;
      return [
        { entries: entries[i]!.map((row) => [row, 1]), most: Infinity, gain },
        { entries: entries[i]!.map((row) => [row, -1]), most: room[atom]!, gain: -gain },
      ];
    });
    return largestGain({ rows: places.size, columns });
  };
  return { below: extreme(-1), above: extreme(1) };
}
