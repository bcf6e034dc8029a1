import type { Rule } from "./rule.ts";

/**
 * R19, the split test: leaving one condition, alternative or listed value away must add or remove nobody or enough
 * subjects, else this result and its neighbour together tell about a few. Rows without a subject key count as too few.
 */
export const splitRule: Rule = ({ evidence, isEnough }) => {
  const isFailed = evidence.splits.some((test) => test.rows > 0 && !isEnough(test.subjects, test.sketch));
  if (!isFailed) return [];
  const message = "A condition of the query separates too few subjects from the others";
  return [{ rule: "R19", family: "differencing", code: "condition_splits_few", message, block: true }];
};
