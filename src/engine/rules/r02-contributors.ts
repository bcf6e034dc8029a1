import { marksWhere, type Rule } from "./rule.ts";

/**
 * R2: enough subjects must contribute a value, and a value that is not neutral, to each aggregate. A sum over a
 * thousand people of whom three have more than zero is a sum over three.
 */
export const contributorsRule: Rule = (input) => {
  const { isEnough } = input;
  const suppress = marksWhere(input, (cell, aggregate) =>
    cell.aggregates[aggregate]!.some(
      (one) => !isEnough(one.nonNull, one.sketch) || !isEnough(one.nonNeutral, one.sketch),
    ),
  );
  if (suppress.length === 0) return [];
  const message = "Values to which too few subjects contribute are suppressed";
  return [{ rule: "R2", family: "threshold", code: "too_few_contributors", message, suppress }];
};
