import type { EgressProfile } from "#contract/profile.ts";
import type { QuantileEvidence } from "../evidence/index.ts";
import { marksWhere, type Mark, type Rule, type RuleCase, type RuleOutcome } from "./rule.ts";

/**
 * R10: a quantile must have enough subjects on both sides, and be rounded to a bin that enough subjects share. What is
 * published is that bin; whoever knows all values of it but a few still cannot tell whose value the quantile was. Of many
 * quantiles of one cell only the first are shown: together they would draw the values themselves.
 */
export const quantilesRule: Rule = (input) => {
  const close = marksWhere(input, (cell, i) =>
    cell.aggregates[i]!.some(({ quantiles = [] }) => quantiles.some((one) => !isFar(one, input.profile))),
  );
  const many = tooMany(input);
  const outcomes: RuleOutcome[] = [];
  if (close.length > 0) {
    const message = "Quantiles with too few subjects beside or around them are suppressed";
    outcomes.push({ ...base, code: "quantile_of_few", message, suppress: close });
  }
  if (many.length > 0) {
    const message = "Quantiles beyond the first few of each cell are suppressed";
    outcomes.push({ ...base, code: "too_many_quantiles", message, suppress: many });
  }
  return outcomes;
};

const base = { rule: "R10", family: "threshold" } as const;

/** Whether a quantile has enough around it; also when its counts are bounds, at least so many. */
export function isFar(quantile: QuantileEvidence, profile: EgressProfile): boolean {
  const { point, subjects, atMost, atLeast, binUnits } = quantile;
  const enough = profile.minSubjects.value;
  // A product of two numbers like 0.1 and 100 may be a little less than it is.
  const beyond = subjects * Math.min(point, 1 - point) + 1e-9;
  return binUnits !== undefined && beyond >= enough && atMost >= enough && atLeast >= enough;
}

/** Form alone, and so the same in every cell: different points of one measure under one filter count once. */
function tooMany({ query, evidence, profile, isOpen }: RuleCase): Mark[] {
  const seen = new Set<string>();
  const over = query.aggregates.flatMap((one, aggregate) => {
    const { points = [], discrete, descending } = one.quantile ?? {};
    for (const point of points) seen.add(JSON.stringify([one.argument, one.filter, discrete, descending, point]));
    return points.length > 0 && seen.size > profile.maxQuantiles.value ? [aggregate] : [];
  });
  return evidence.cells.flatMap(({ cell }) =>
    over.filter((aggregate) => isOpen(cell, aggregate)).map((aggregate) => ({ cell, aggregate })),
  );
}
