import { changedCells, SHOWN, type Move, type Target } from "./pattern.ts";
import { boxMoves, type SearchScope } from "./search.ts";

/** Moves, each by so much, that together change an atom by its level and no sum that anybody sees. */
export type Spread = { move: Move; by: number }[];

/**
 * Whether an atom that no table shows is open by its level, upwards and downwards, with what all other such atoms hold:
 * small ones carry a little each. Only for atoms behind tables none of which comprises the others.
 */
export function isOpenUnseen(scope: SearchScope, target: Target): boolean {
  const down = Math.min(target.level, scope.room[target.cell]!);
  return [
    { sign: 1, wanted: target.level },
    { sign: -1, wanted: down },
  ].every(({ sign, wanted }) => {
    const spread = spreadOf(scope, target.cell, { sign, wanted });
    return spread !== undefined && holds(scope, spread, { sign, wanted, atom: target.cell });
  });
}

interface Wanted {
  sign: number;
  wanted: number;
}

function spreadOf(scope: SearchScope, atom: number, { sign, wanted }: Wanted): Spread | undefined {
  const left = new Map<number, number>();
  const roomOf = (one: number): number => left.get(one) ?? scope.room[one]!;
  const spread: Spread = [];
  let open = wanted;
  for (const move of boxMoves(scope, atom)) {
    if (open <= 0) break;
    const falling = move.atoms.filter((one, i) => one !== atom && move.signs[i]! * sign < 0);
    const by = Math.min(open, ...falling.map(roomOf));
    if (by <= 0) continue;
    for (const one of falling) left.set(one, roomOf(one) - by);
    spread.push({ move, by });
    open -= by;
  }
  return open > 0 ? undefined : spread;
}

/** The sum of a spread, checked anew: the atom moves as far as wanted, nothing falls below zero, no shown cell changes. */
function holds(
  { tables, pattern, room }: SearchScope,
  spread: Spread,
  { sign, wanted, atom }: Wanted & { atom: number },
): boolean {
  const changes = new Map<number, number>();
  for (const { move, by } of spread) {
    if (changedCells(tables, move).some(({ table, cell }) => pattern[table]![cell] === SHOWN)) return false;
    for (const [i, one] of move.atoms.entries()) changes.set(one, (changes.get(one) ?? 0) + move.signs[i]! * sign * by);
  }
  const isFar = wanted <= 0 || Math.abs(changes.get(atom) ?? 0) >= wanted * (1 - 1e-9);
  return isFar && [...changes].every(([one, change]) => room[one]! + change >= -1e-9 * room[one]!);
}
