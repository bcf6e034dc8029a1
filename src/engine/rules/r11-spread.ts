import { marksWhere, type Rule } from "./rule.ts";

/**
 * R11: a variance needs two subjects more than a sum, because with the mean and one's own values it has two equations
 * less. That there is a spread at all, and that nobody makes most of it, R2, R5 and R6 judge on squared deviations.
 */
export const spreadRule: Rule = (input) => {
  const suppress = marksWhere(
    input,
    (cell, i) =>
      input.query.aggregates[i]!.kind === "spread" &&
      cell.aggregates[i]!.some((one) => !input.isEnough(one.nonNull - 2, one.sketch)),
  );
  if (suppress.length === 0) return [];
  const message = "Deviations to which too few subjects contribute are suppressed";
  return [{ rule: "R11", family: "threshold", code: "too_few_for_spread", message, suppress }];
};
