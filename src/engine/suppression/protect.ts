import { provesOpen } from "./audit.ts";
import { changedCells, PRIMARY, SECONDARY, SHOWN, type Move, type Pattern, type Target } from "./pattern.ts";
import { cheapestMove, type SearchScope } from "./search.ts";
import { isOpenUnseen } from "./spread.ts";
import type { LinkedTables } from "./tables.ts";

/** What is summed, as far as protection needs it. */
export interface Quantity {
  /** What rules have hidden, and what is hidden already for others' sake. Not changed. */
  pattern: Pattern;
  /** How far each atom may fall: what it holds, when nothing is below zero. */
  room: Float64Array;
  /** How far on either side a cell that rules have hidden must stay open. */
  level: (table: number, cell: number) => number;
  /** No table shows the atoms: they are there to see what tables that cut each other give away. */
  isUnseen?: boolean;
}

export interface Protection {
  pattern: Pattern;
  /** For each cell that a rule has hidden, the move that proves it open. */
  proofs: { target: Target; move: Move }[];
}

const MOST_BOXES = 4_000_000;

/**
 * Hides further cells until every cell that a rule has hidden is provably open by its level on both sides, whatever
 * is known about the others that rules have hidden. Which cells are added depends on where rules have hidden something,
 * and on whether cells can carry a level, not on what they hold. Repeating it adds nothing: the proofs that it has found
 * cost nothing then.
 */
export function protect(tables: LinkedTables, quantity: Quantity): Protection {
  const pattern = quantity.pattern.map((one) => Uint8Array.from(one));
  const { room } = quantity;
  const scope: SearchScope = { tables, pattern, room, budget: { boxes: MOST_BOXES }, buckets: new Map() };
  const proofs: Protection["proofs"] = [];
  const ofAtom = new Map<number, Move>();
  for (const target of targetsOf(tables, quantity)) {
    // What is hidden later opens it further only.
    if (quantity.isUnseen && target.table === 0 && isOpenUnseen(scope, target)) continue;
    const known = knownProof(scope, target, ofAtom);
    const move = known ?? cheapestMove(scope, target);
    // A total of nothing: that it is empty can be seen by its having no cells.
    if (move === undefined && scope.budget.boxes > 0) continue;
    if (move === undefined) throw new Error("the search for cells that protect others was given up");
    if (known === undefined) hide(scope, move);
    if (target.table === 0) ofAtom.set(target.cell, move);
    proofs.push({ target, move });
  }
  for (const { target, move } of proofs) {
    // INVARIANT: nothing leaves on a proof that does not hold.
    if (!provesOpen({ tables, pattern, room }, target, move)) throw new Error("a hidden cell is not protected");
  }
  return { pattern, proofs };
}

/** Atoms first, then totals from fine to coarse, each in order of its cells. */
function targetsOf(tables: LinkedTables, { pattern, level }: Quantity): Target[] {
  const order = [...tables.tables.keys()].toSorted((a, b) =>
    a === 0 || b === 0 ? a - b : tables.tables[b]!.keys.length - tables.tables[a]!.keys.length || a - b,
  );
  return order.flatMap((table) =>
    [...pattern[table]!.entries()].flatMap(([cell, status]) =>
      status === PRIMARY ? [{ table, cell, level: level(table, cell) }] : [],
    ),
  );
}

/** A total is often open because one of its atoms is. */
function knownProof(scope: SearchScope, target: Target, ofAtom: ReadonlyMap<number, Move>): Move | undefined {
  if (target.table === 0) return undefined;
  const members = scope.tables.tables[target.table]!.members[target.cell] ?? [];
  const { tables, pattern, room } = scope;
  for (const atom of members) {
    const move = ofAtom.get(atom);
    if (move && provesOpen({ tables, pattern, room }, target, move)) return move;
  }
  return undefined;
}

function hide({ tables, pattern }: SearchScope, move: Move): void {
  const cells = [...move.atoms.map((cell) => ({ table: 0, cell })), ...changedCells(tables, move)];
  for (const { table, cell } of cells) {
    if (pattern[table]![cell] === SHOWN) pattern[table]![cell] = SECONDARY;
  }
}
