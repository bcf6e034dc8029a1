import { marksWhere, type Rule } from "./rule.ts";

/**
 * R10 for counts of different values: each value that is counted must be one of enough subjects, else the number says
 * whether one subject has a value that no other has.
 */
export const distinctRule: Rule = (input) => {
  const enough = input.profile.minSubjects.value;
  const suppress = marksWhere(
    input,
    (cell, i) =>
      input.query.aggregates[i]!.kind === "distinct" &&
      cell.aggregates[i]!.some(({ fewestPerValue = 0 }) => fewestPerValue < enough),
  );
  if (suppress.length === 0) return [];
  const message = "Counts of different values, some of which too few subjects have, are suppressed";
  return [{ rule: "R10", family: "threshold", code: "value_of_few", message, suppress }];
};
