/**
 * Complementary suppression of tables with all their totals, of about 100, 1,000 and 5,000 cells, one in twenty of them
 * hidden by a rule (`--share=0.05`). The reference of each is what an audit by HiGHS takes for one hidden cell of the same
 * release: two linear programs, without the choice of what to hide.
 */
import { PRIMARY, protect, type LinkedTables, type Quantity } from "../src/engine/suppression/index.ts";
import { CUBE_2, CUBE_3, emptyPattern, gridOf } from "../test/engine/suppression/grid.ts";
import { attackedInterval } from "../test/engine/suppression/highs.ts";
import { runBenchmark, type Measurement } from "./bench.ts";

const argument = process.argv.find((one) => one.startsWith("--share="))?.slice("--share=".length);
const SHARE = Number(argument ?? 0.05);
const K = 10;

const TABLES: Record<string, LinkedTables> = {
  "10 × 10": gridOf([10, 10], CUBE_2),
  "20 × 50": gridOf([20, 50], CUBE_2),
  "50 × 100": gridOf([50, 100], CUBE_2),
  "17 × 17 × 17": gridOf([17, 17, 17], CUBE_3),
};

/** The same on every run: a linear congruence stands for chance. */
function quantityOf(tables: LinkedTables): { quantity: Quantity; values: number[]; first: number } {
  let seed = 7;
  const chance = (): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed / 2 ** 31;
  };
  const values = Array.from({ length: tables.atoms }, () => K + Math.floor(chance() * 90));
  const pattern = emptyPattern(tables);
  for (const atom of values.keys()) {
    if (atom > 0 && chance() >= SHARE) continue;
    values[atom] = 1 + Math.floor(chance() * (K - 1));
    pattern[0]![atom] = PRIMARY;
  }
  return { quantity: { pattern, room: Float64Array.from(values), level: () => K }, values, first: 0 };
}

for (const [name, tables] of Object.entries(TABLES)) {
  const { quantity, values, first } = quantityOf(tables);
  const { pattern } = protect(tables, quantity);
  const hidden = (table: number): number => pattern[table]!.filter((status) => status > 0).length;
  const measurements: Measurement[] = [
    {
      name: `HiGHS, one interval, ${name}`,
      isReference: true,
      warmUpRuns: 1,
      runs: 10,
      run: () => attackedInterval({ tables, pattern, values }, [first]),
    },
    { name: `all hidden cells protected, ${name}`, warmUpRuns: 2, runs: 10, run: () => protect(tables, quantity) },
  ];
  await runBenchmark({
    name: `suppression, ${name}`,
    measurements,
    details: () => ({
      "hidden by a rule": quantity.pattern[0]!.filter((status) => status === PRIMARY).length,
      "hidden in all": hidden(0),
      "totals hidden": pattern.slice(1).reduce((sum, _, i) => sum + hidden(i + 1), 0),
    }),
  });
}
