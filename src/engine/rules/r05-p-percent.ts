import type { AggregateEvidence } from "../evidence/index.ts";
import { marksWhere, type Rule } from "./rule.ts";

/**
 * R5, the p % rule on subject totals: the second largest contributor must not be able to estimate the largest to
 * within p %. With signed data sizes are absolute values.
 */
export const pPercentRule: Rule = (input) => {
  const percent = input.profile.pPercent.value;
  const suppress = marksWhere(input, (cell, aggregate) => {
    if (!input.magnitudes.has(aggregate)) return false;
    return cell.aggregates[aggregate]!.some((one) => isEstimable(one, percent));
  });
  if (suppress.length === 0) return [];
  const message = "Values from which one subject's amount could be estimated closely are suppressed";
  return [{ rule: "R5", family: "dominance", code: "estimable_amount", message, suppress }];
};

/** What contributions add up to, and the two largest. */
export type Amounts = Pick<AggregateEvidence, "total" | "largest">;

export function isEstimable({ total = 0, largest = [0, 0] }: Amounts, percent: number): boolean {
  const remainder = total - largest[0] - largest[1];
  return largest[0] > 0 && remainder < (percent / 100) * largest[0];
}
