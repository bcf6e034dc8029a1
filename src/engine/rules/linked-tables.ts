import type { Key, SafeQuery } from "../gate/index.ts";
import { linkTables, PRIMARY, SHOWN, type LinkedTables } from "../suppression/index.ts";

/** How the cells of linked leaves are made of those of the finest one. */
export interface LinkedCells {
  finest: number;
  /** Per key of the finest leaf: a small integer for the value that each of its cells has. */
  codes: readonly Int32Array[];
  /** Per leaf: which of these keys it has, and its cell for each cell of the finest. */
  leaves: readonly { leaf: number; keys: readonly number[]; of: Int32Array }[];
}

export const keyText = ({ expression }: Key): string => JSON.stringify(expression);

/** The leaf whose keys are all keys of all others; absent when none is. */
export function finestOf(leaves: readonly { leaf: number; query: SafeQuery }[]): number | undefined {
  const keys = leaves.map(({ leaf, query }) => ({ leaf, own: new Set(query.keys.map(keyText)) }));
  const finest = keys.reduce((best, one) => (one.own.size > best.own.size ? one : best));
  return keys.every(({ own }) => [...own].every((key) => finest.own.has(key))) ? finest.leaf : undefined;
}

/** Leaves as tables: those with the same keys are one. Statuses go by table and cell, or by leaf and its own cell. */
export interface TablesOfLeaves {
  linked: LinkedTables;
  /** Of each table, its leaves, and the table's cell for each cell of a leaf. */
  tables: readonly { leaves: readonly { leaf: number; toTable: Int32Array }[] }[];
}

/** The tables that some of the leaves make; the first of these has all their keys. */
export function tablesOf(cells: LinkedCells, leaves: readonly number[], finest: number): TablesOfLeaves {
  const own = cells.leaves.filter(({ leaf }) => leaves.includes(leaf));
  const base = own.find(({ leaf }) => leaf === finest)!;
  // One cell of the set's finest leaf for each atom.
  const sample = new Int32Array(base.of.reduce((most, cell) => Math.max(most, cell + 1), 0));
  for (const [cell, atom] of base.of.entries()) sample[atom] = cell;
  const groups = new Map<string, typeof own>();
  for (const one of [base, ...own.filter((other) => other !== base)]) {
    const text = [...new Set(one.keys)].toSorted((a, b) => a - b).join(" ");
    groups.set(text, [...(groups.get(text) ?? []), one]);
  }
  const [, ...coarser] = [...groups.values()];
  const places = new Map(base.keys.map((key, i) => [key, i]));
  const shapes = coarser.map(([first]) => ({
    keys: first!.keys.map((key) => places.get(key)!),
    of: sample.map((cell) => first!.of[cell]!),
  }));
  const codes = base.keys.map((key) => sample.map((cell) => cells.codes[key]![cell]!));
  const atoms = Int32Array.from(sample, (_, i) => i);
  const tables = [...groups.values()].map((members, t) => ({
    leaves: members.map(({ leaf, of }) => ({
      leaf,
      toTable: translation(
        sample.map((cell) => of[cell]!),
        t === 0 ? atoms : shapes[t - 1]!.of,
      ),
    })),
  }));
  return { linked: linkTables(codes.length > 0 ? codes : [atoms], shapes), tables };
}

function translation(from: Int32Array, to: Int32Array): Int32Array {
  const table = new Int32Array(from.reduce((most, cell) => Math.max(most, cell + 1), 0));
  for (const [i, cell] of from.entries()) table[cell] = to[i]!;
  return table;
}

/** A pattern from what each leaf says of its cells: what one leaf hides its twins hide. */
export function patternOf(
  { linked, tables }: TablesOfLeaves,
  status: (leaf: number, cell: number) => 0 | 1 | 2,
): Uint8Array[] {
  return tables.map(({ leaves }, t) => {
    const pattern = new Uint8Array(linked.tables[t]!.members.length);
    for (const { leaf, toTable } of leaves) {
      for (const [cell, place] of toTable.entries()) {
        const own = status(leaf, cell);
        if (own === PRIMARY || pattern[place] === SHOWN) pattern[place] = own;
      }
    }
    return pattern;
  });
}

/** Cells of leaves that a pattern hides, whoever hid them, and their places in the tables. */
export function hiddenCells(
  { tables }: TablesOfLeaves,
  pattern: readonly Uint8Array[],
): { leaf: number; cell: number; table: number; place: number }[] {
  return tables.flatMap(({ leaves }, table) =>
    leaves.flatMap(({ leaf, toTable }) =>
      [...toTable.entries()].flatMap(([cell, place]) =>
        pattern[table]![place] === SHOWN ? [] : [{ leaf, cell, table, place }],
      ),
    ),
  );
}
