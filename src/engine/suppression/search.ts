import { canCarry } from "./audit.ts";
import { changedCells, PRIMARY, SECONDARY, SHOWN, type Move, type Target } from "./pattern.ts";
import { codeOf, type LinkedTables } from "./tables.ts";

/** What a search sees; `pattern` and `budget` change as it goes on. */
export interface SearchScope {
  tables: LinkedTables;
  pattern: Uint8Array[];
  room: Float64Array;
  /** How many boxes may still be looked at: then totals are hidden instead. A count, not a time: same input, same answer. */
  budget: { boxes: number };
  buckets: Map<number, Map<number, number[]>>;
}

interface Found {
  move: Move;
  cost: number;
}

/** Keys that boxes may span: 2^6 corners. */
const MOST_KEYS = 6;
/** Atoms of a total that are tried as the one that moves. */
const MOST_STARTS = 16;

/**
 * The cheapest move that keeps a target open, over (1) two atoms that no shown sum tells apart, (2) boxes: the corners
 * of two values for each of some keys, in turn up and down, so that every table that lacks one of the keys sees
 * nothing, (3) the target alone. Tables that would see something lose those cells. The cost is how many cells are newly
 * hidden; a total costs as many as it has atoms. Ties go to the first in order of the keys, never to a value.
 */
export function cheapestMove(scope: SearchScope, target: Target): Move | undefined {
  let best: Found | undefined;
  for (const start of startsOf(scope, target)) {
    best = better(best, single(scope, start));
    if (target.table === 0) best = better(best, pairOf(scope, target, start));
    best = better(best, boxOf(scope, { target, start, below: best?.cost ?? Infinity }));
    if (best?.cost === 0) break;
  }
  return best?.move;
}

const better = (one: Found | undefined, other: Found | undefined): Found | undefined =>
  other !== undefined && (one === undefined || other.cost < one.cost) ? other : one;

/** The target itself, or of a total its atoms: hidden ones first. */
function startsOf({ tables, pattern, room }: SearchScope, target: Target): number[] {
  if (target.table === 0) return [target.cell];
  const members = tables.tables[target.table]!.members[target.cell] ?? [];
  const hidden = members.filter((atom) => pattern[0]![atom] !== SHOWN);
  const open = members.filter((atom) => pattern[0]![atom] === SHOWN && canCarry(room[atom]!, target.level));
  return [...hidden, ...open].slice(0, MOST_STARTS);
}

function costOf(scope: SearchScope, move: Move): number {
  return changedCells(scope.tables, move).reduce((sum, { table, cell }) => sum + cellCost(scope, table, cell), 0);
}

function cellCost({ tables, pattern }: SearchScope, table: number, cell: number): number {
  if (pattern[table]![cell] !== SHOWN) return 0;
  return table === 0 ? 1 : Math.max(2, tables.tables[table]!.members[cell]!.length);
}

function single(scope: SearchScope, start: number): Found {
  const move: Move = { atoms: [start], signs: [1] };
  return { move, cost: costOf(scope, move) };
}

function pairOf(scope: SearchScope, target: Target, start: number): Found | undefined {
  const other = carrier(scope, { signature: scope.tables.signatures.of[start]!, level: target.level, except: start });
  if (other === undefined) return undefined;
  const move: Move = { atoms: [start, other], signs: [1, -1] };
  return { move, cost: costOf(scope, move) };
}

interface CarrierInput {
  signature: number;
  level: number;
  except: number;
  /** Atoms that rules have hidden carry too. */
  anyStatus?: boolean;
}

/** The first atom of a signature that can carry the level, one that is hidden anyway before others. */
function carrier(
  { tables, pattern, room }: SearchScope,
  { signature, level, except, anyStatus = false }: CarrierInput,
): number | undefined {
  let open: number | undefined;
  for (const atom of tables.signatures.atoms[signature]!) {
    const status = pattern[0]![atom];
    const mayCarry = anyStatus || status !== PRIMARY;
    if (atom === except || !mayCarry || !canCarry(room[atom]!, level)) continue;
    if (status === SECONDARY) return atom;
    open ??= atom;
  }
  return open;
}

interface BoxInput {
  target: Target;
  start: number;
  /** Only cheaper ones are of use. */
  below: number;
}

function boxOf(scope: SearchScope, input: BoxInput): Found | undefined {
  const { signatures } = scope.tables;
  if (signatures.byCode === undefined || signatures.keys.length > MOST_KEYS) return undefined;
  let best: Found | undefined;
  for (let spanned = 1; spanned < 2 ** signatures.keys.length; spanned++) {
    if (!isTold(scope, input.target, spanned)) continue;
    const below = Math.min(input.below, best?.cost ?? Infinity);
    if (ownCost(scope, input.start, spanned) >= below) continue;
    best = better(best, spanningBox(scope, { ...input, below }, spanned));
    if (best?.cost === 0) break;
  }
  return best;
}

const keysIn = (scope: SearchScope, spanned: number): number[] =>
  scope.tables.signatures.keys.filter((_, i) => (spanned >> i) % 2 === 1);

/** A box that spans a key which the target's table lacks would leave the target as it is. */
function isTold(scope: SearchScope, target: Target, spanned: number): boolean {
  if (target.table === 0) return true;
  return keysIn(scope, spanned).every((key) => scope.tables.tables[target.table]!.keys.includes(key));
}

/** What a box costs in totals of its first corner alone. */
function ownCost(scope: SearchScope, start: number, spanned: number): number {
  return seeingTables(scope, spanned).reduce(
    (sum, table) => sum + cellCost(scope, table, scope.tables.tables[table]!.of[start]!),
    0,
  );
}

function spanningBox(scope: SearchScope, input: BoxInput, spanned: number): Found | undefined {
  const { signatures } = scope.tables;
  const from = signatures.codes[signatures.of[input.start]!]!;
  const box: Box = { ...input, from, spanned, seeing: seeingTables(scope, spanned) };
  let best: Found | undefined;
  for (const opposite of bucketsOf(scope, spanned).get(restCode(scope, from, spanned)) ?? []) {
    const to = signatures.codes[opposite]!;
    if (from.some((code, i) => (spanned >> i) % 2 === 1 && to[i] === code)) continue;
    if (scope.budget.boxes-- <= 0) return best;
    best = cornersOf(scope, { ...box, below: best?.cost ?? input.below }, to) ?? best;
    if (best?.cost === 0) break;
  }
  return best;
}

/** Every box and pair around an atom that changes no sum of a coarser table, with any atoms that hold something. */
export function* boxMoves(scope: SearchScope, start: number): Generator<Move> {
  const { signatures } = scope.tables;
  const own = signatures.of[start]!;
  for (const other of signatures.atoms[own]!) {
    if (other !== start && scope.room[other]! > 0) yield { atoms: [start, other], signs: [1, -1] };
  }
  if (signatures.byCode === undefined || signatures.keys.length > MOST_KEYS) return;
  const from = signatures.codes[own]!;
  const target: Target = { table: 0, cell: start, level: 0 };
  for (let spanned = 1; spanned < 2 ** signatures.keys.length; spanned++) {
    const seeing = seeingTables(scope, spanned);
    if (seeing.length > 0) continue;
    for (const opposite of bucketsOf(scope, spanned).get(restCode(scope, from, spanned)) ?? []) {
      if (scope.budget.boxes-- <= 0) return;
      const to = signatures.codes[opposite]!;
      if (from.some((code, i) => (spanned >> i) % 2 === 1 && to[i] === code)) continue;
      const found = cornersOf(scope, { target, start, from, spanned, seeing, below: Infinity, anyStatus: true }, to);
      if (found) yield found.move;
    }
  }
}

/** Signatures by their values of the keys that a box does not span. */
function bucketsOf(scope: SearchScope, spanned: number): Map<number, number[]> {
  const known = scope.buckets.get(spanned);
  if (known) return known;
  const buckets = new Map<number, number[]>();
  for (const [signature, code] of scope.tables.signatures.codes.entries()) {
    const rest = restCode(scope, code, spanned);
    const bucket = buckets.get(rest) ?? [];
    bucket.push(signature);
    buckets.set(rest, bucket);
  }
  scope.buckets.set(spanned, buckets);
  return buckets;
}

function restCode(scope: SearchScope, code: readonly number[], spanned: number): number {
  const rest = code.map((one, i) => ((spanned >> i) % 2 === 1 ? 0 : one));
  return codeOf(rest, scope.tables.signatures.weights);
}

interface Box extends BoxInput {
  from: readonly number[];
  spanned: number;
  /** Coarser tables that see every corner. */
  seeing: readonly number[];
  anyStatus?: boolean;
}

function cornersOf(scope: SearchScope, box: Box, to: readonly number[]): Found | undefined {
  const { byCode, weights } = scope.tables.signatures;
  const { from, spanned, target, start, anyStatus = false } = box;
  const move = { atoms: [start], signs: [1 as 1 | -1] };
  let cost = cornerCost(scope, box, start);
  // All subsets of the spanned keys but the empty one.
  for (let changed = spanned; changed > 0; changed = (changed - 1) & spanned) {
    let code = 0;
    let sign: 1 | -1 = 1;
    for (let i = 0; i < from.length; i++) {
      const isChanged = (changed >> i) % 2 === 1;
      code += (isChanged ? to[i]! : from[i]!) * weights[i]!;
      if (isChanged) sign = sign === 1 ? -1 : 1;
    }
    const signature = byCode!.get(code);
    const atom =
      signature === undefined ? undefined : carrier(scope, { signature, level: target.level, except: -1, anyStatus });
    if (atom === undefined) return undefined;
    cost += cornerCost(scope, box, atom);
    if (cost >= box.below) return undefined;
    move.atoms.push(atom);
    move.signs.push(sign);
  }
  return { move, cost };
}

function seeingTables(scope: SearchScope, spanned: number): number[] {
  const keys = keysIn(scope, spanned);
  return [...scope.tables.tables.keys()].filter(
    (table) => table > 0 && keys.every((key) => scope.tables.tables[table]!.keys.includes(key)),
  );
}

function cornerCost(scope: SearchScope, { seeing }: Box, atom: number): number {
  let cost = scope.pattern[0]![atom] === SHOWN ? 1 : 0;
  for (const table of seeing) cost += cellCost(scope, table, scope.tables.tables[table]!.of[atom]!);
  return cost;
}
