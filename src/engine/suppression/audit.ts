import { changedCells, PRIMARY, SHOWN, type Move, type Pattern, type Target } from "./pattern.ts";
import type { LinkedTables } from "./tables.ts";

export interface AuditCase {
  tables: LinkedTables;
  pattern: Pattern;
  /** How far each atom may fall. */
  room: Float64Array;
}

/**
 * Whether a move proves that its target is open by its level on both sides, in whole numbers: it changes the target by
 * one and no cell that is shown; of the atoms that rules have hidden it moves only those of the target, so that not
 * even those who know all the others close it; and every other atom can give as much as it takes.
 */
export function provesOpen({ tables, pattern, room }: AuditCase, target: Target, move: Move): boolean {
  const changed = changedCells(tables, move);
  const own = changed.find(({ table, cell }) => table === target.table && cell === target.cell);
  if (!own || Math.abs(own.by) !== 1) return false;
  if (changed.some(({ table, cell }) => pattern[table]![cell] === SHOWN)) return false;
  const { of } = tables.tables[target.table]!;
  return move.atoms.every((atom) => {
    if (pattern[0]![atom] === SHOWN) return false;
    return of[atom] === target.cell || (pattern[0]![atom] !== PRIMARY && canCarry(room[atom]!, target.level));
  });
}

/** An empty atom carries nothing, whatever is asked. */
export function canCarry(room: number, level: number): boolean {
  return room > 0 && room >= level;
}
