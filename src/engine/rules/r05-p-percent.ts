import { marksWhere, type Rule } from "./rule.ts";

/**
 * R5, the p % rule on subject totals: the second largest contributor must not be able to estimate the largest to
 * within p %. With signed data sizes are absolute values.
 */
export const pPercentRule: Rule = (input) => {
  const share = input.profile.pPercent.value / 100;
  const suppress = marksWhere(input, (cell, aggregate) => {
    if (!input.magnitudes.has(aggregate)) return false;
    return cell.aggregates[aggregate]!.some(({ total = 0, largest = [0, 0] }) => {
      const remainder = total - largest[0] - largest[1];
      return largest[0] > 0 && remainder < share * largest[0];
    });
  });
  if (suppress.length === 0) return [];
  const message = "Values from which one subject's amount could be estimated closely are suppressed";
  return [{ rule: "R5", family: "dominance", code: "estimable_amount", message, suppress }];
};
