/** The attacker of the tests: what HiGHS, which shares no code with the product, finds a hidden cell to lie between. */
import { createRequire } from "node:module";
import type { Highs } from "highs";
import { SHOWN, type LinkedTables } from "#engine/suppression/index.ts";

export interface Released {
  tables: LinkedTables;
  pattern: readonly Uint8Array[];
  /** Value of each atom. */
  values: readonly number[];
}

// The package declares the types of its CommonJS form for both.
const loadHighs = createRequire(import.meta.url)("highs") as () => Promise<Highs>;
let loaded: Promise<Highs> | undefined;

/** The interval of the sum of some atoms, from what is shown and that nothing is below zero; `known` atoms are known too. */
export async function attackedInterval(
  released: Released,
  target: readonly number[],
  known: readonly number[] = [],
): Promise<[low: number, high: number]> {
  loaded ??= loadHighs();
  const highs = await loaded;
  const solve = (sense: "Minimize" | "Maximize"): number => {
    const { Status, ObjectiveValue } = highs.solve(programOf(released, { target, known, sense }));
    if (Status === "Optimal") return ObjectiveValue;
    if (Status === "Unbounded" || Status === "Primal infeasible or unbounded") return Infinity;
    throw new Error(`HiGHS: ${Status}`);
  };
  return [solve("Minimize"), solve("Maximize")];
}

function programOf(
  { tables, pattern, values }: Released,
  { target, known, sense }: { target: readonly number[]; known: readonly number[]; sense: string },
): string {
  const name = (atom: number): string => `x${atom}`;
  const sums = tables.tables.flatMap(({ members }, table) =>
    members.flatMap((atoms, cell) =>
      pattern[table]![cell] === SHOWN && atoms.length > 0
        ? [` ${atoms.map(name).join(" + ")} = ${atoms.reduce((sum, atom) => sum + values[atom]!, 0)}`]
        : [],
    ),
  );
  const fixed = known.map((atom) => ` ${name(atom)} = ${values[atom]!}`);
  const all = values.map((_, atom) => name(atom)).join(" + ");
  return `${sense}\n ${target.map(name).join(" + ")}\nSubject To\n${[...sums, ...fixed, ` ${all} >= 0`].join("\n")}\nEnd\n`;
}
