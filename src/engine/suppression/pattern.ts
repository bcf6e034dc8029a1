import type { LinkedTables } from "./tables.ts";

export const SHOWN = 0;
/** Hidden by a rule: to be protected. */
export const PRIMARY = 1;
/** Hidden for the others' sake: might be shown by itself. */
export const SECONDARY = 2;

/** What is hidden, by table and cell. */
export type Pattern = readonly Uint8Array[];

/** A cell that must stay open by its level. */
export interface Target {
  table: number;
  cell: number;
  level: number;
}

/**
 * A change of hidden atoms, by one unit up or down each, that no shown sum notices and that changes its target by one.
 * It proves that the target could as well be larger or smaller, as far as the atoms have room.
 */
export interface Move {
  atoms: readonly number[];
  signs: readonly (1 | -1)[];
}

/** Cells whose sums a move changes. */
export function changedCells(tables: LinkedTables, move: Move): { table: number; cell: number; by: number }[] {
  return tables.tables.flatMap(({ of }, table) => {
    const sums = new Map<number, number>();
    for (const [i, atom] of move.atoms.entries()) {
      const cell = of[atom]!;
      sums.set(cell, (sums.get(cell) ?? 0) + move.signs[i]!);
    }
    return [...sums].flatMap(([cell, by]) => (by === 0 ? [] : [{ table, cell, by }]));
  });
}
