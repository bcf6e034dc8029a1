/** How the cells of one table are made of atoms. */
export interface TableShape {
  /** Which of the keys of the atoms it groups by. */
  keys: readonly number[];
  /** Its cell for each atom. */
  of: Int32Array;
}

export interface LinkedTable extends TableShape {
  /** Atoms of each cell. */
  members: readonly (readonly number[])[];
}

/**
 * Tables of one quantity over the same rows: each cell is the sum of its atoms. The first table has the atoms
 * themselves as cells.
 */
export interface LinkedTables {
  atoms: number;
  tables: readonly LinkedTable[];
  signatures: Signatures;
}

/**
 * Atoms with equal values of those keys by which some coarser table groups: no sum that anybody sees tells them apart.
 */
export interface Signatures {
  keys: readonly number[];
  /** Of each atom. */
  of: Int32Array;
  atoms: readonly (readonly number[])[];
  /** Of each signature, the code of each of its keys. */
  codes: readonly (readonly number[])[];
  /** By `codeOf`; absent where codes would not be exact numbers. */
  byCode: ReadonlyMap<number, number> | undefined;
  weights: readonly number[];
}

/**
 * `codes`: per key of the atoms, a small integer for the value that each atom has. `shapes`: the coarser tables; those
 * that are the same table are given once.
 */
export function linkTables(codes: readonly Int32Array[], shapes: readonly TableShape[]): LinkedTables {
  const atoms = codes[0]?.length ?? shapes[0]?.of.length ?? 0;
  const own: TableShape = { keys: codes.map((_, key) => key), of: Int32Array.from({ length: atoms }, (_, i) => i) };
  const tables = [own, ...shapes].map((shape) => ({ ...shape, members: membersOf(shape.of) }));
  return { atoms, tables, signatures: signaturesOf(codes, shapes, atoms) };
}

function membersOf(of: Int32Array): number[][] {
  const members: number[][] = [];
  for (const [atom, cell] of of.entries()) (members[cell] ??= []).push(atom);
  return Array.from(members, (own) => own ?? []);
}

function signaturesOf(codes: readonly Int32Array[], shapes: readonly TableShape[], atoms: number): Signatures {
  const keys = [...new Set(shapes.flatMap((shape) => shape.keys))].toSorted((a, b) => a - b);
  const places = new Map<string, number>();
  const members: number[][] = [];
  const of = Int32Array.from({ length: atoms }, (_, atom) => {
    const text = keys.map((key) => codes[key]![atom]).join(" ");
    const place = places.get(text) ?? places.size;
    places.set(text, place);
    (members[place] ??= []).push(atom);
    return place;
  });
  const own = members.map(([first]) => keys.map((key) => codes[key]![first!]!));
  const weights = weightsOf(keys.map((_, i) => 1 + own.reduce((most, code) => Math.max(most, code[i]!), 0)));
  const byCode = weights && new Map(own.map((code, signature) => [codeOf(code, weights), signature]));
  return { keys, of, atoms: members, codes: own, byCode, weights: weights ?? [] };
}

/** Mixed radix, as long as it is exact. */
function weightsOf(sizes: readonly number[]): number[] | undefined {
  const weights: number[] = [];
  let product = 1;
  for (const size of sizes) {
    weights.push(product);
    product *= size;
  }
  return Number.isSafeInteger(product) ? weights : undefined;
}

export function codeOf(code: readonly number[], weights: readonly number[]): number {
  return code.reduce((sum, one, i) => sum + one * weights[i]!, 0);
}
