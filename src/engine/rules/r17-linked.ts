import type { Suppression } from "../evidence/index.ts";
import type { SafeQuery, SafeStatement } from "../gate/index.ts";
import type { RuleOutcome } from "./rule.ts";

/**
 * R17 without complementary suppression: tables that cut the same rows in different ways could undo what one of them
 * hides (a total minus what is shown), and filters that stand in different ones are not judged together (R4). When
 * any of them hides something, or their filters differ, only the one with most keys is shown.
 * Repeating it changes nothing. Adds to `suppressed`; answers what is said about it, and how many values went.
 */
export function linkedRule(
  statement: SafeStatement,
  suppressed: Suppression[][],
  cells: readonly number[],
): { outcomes: RuleOutcome[]; values: number } {
  let values = 0;
  for (const set of statement.linked) {
    const filters = new Set(set.map((leaf) => filtersOf(statement.leaves[leaf]!)));
    if (filters.size === 1 && set.every((leaf) => suppressed[leaf]!.length === 0)) continue;
    const finest = set.reduce((best, leaf) => (keysOf(statement, leaf) > keysOf(statement, best) ? leaf : best));
    for (const leaf of set) {
      if (leaf === finest) continue;
      const before = suppressed[leaf]!.reduce((sum, one) => sum + one.aggregates.size, 0);
      suppressed[leaf] = allHidden(statement.leaves[leaf]!, cells[leaf]!, suppressed[leaf]!);
      values += suppressed[leaf].reduce((sum, one) => sum + one.aggregates.size, 0) - before;
    }
  }
  if (values === 0) return { outcomes: [], values };
  return { outcomes: [{ ...said, suppress: [] }], values };
}

const said = {
  rule: "R17",
  family: "differencing",
  code: "margin_of_hidden",
  message: "Totals over tables with hidden values are suppressed",
} as const;

function filtersOf(query: SafeQuery): string {
  return JSON.stringify([...new Set(query.aggregates.map((one) => JSON.stringify(one.filter)))].toSorted());
}

function keysOf(statement: SafeStatement, leaf: number): number {
  return statement.leaves[leaf]!.keys.length;
}

function allHidden(query: SafeQuery, cells: number, known: readonly Suppression[]): Suppression[] {
  const dropped = new Set(known.filter((one) => one.dropRow).map((one) => one.cell));
  const aggregates = new Set(query.aggregates.flatMap((one, i) => (one.isWitness ? [] : [i])));
  return Array.from({ length: cells }, (_, cell) => ({ cell, aggregates, dropRow: dropped.has(cell) }));
}
