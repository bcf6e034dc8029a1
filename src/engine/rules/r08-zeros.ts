import type { Rule } from "./rule.ts";

/** R8: a row that is missing says of everybody with these keys that a sensitive condition does not hold; a person looks. */
export const zerosRule: Rule = ({ evidence }) => {
  if (!evidence.groups.some((group) => group.aggregates === undefined && group.empty > 0)) return [];
  const message = "Rows are missing because a sensitive condition holds for nobody; a person looks at it";
  return [{ rule: "R8", family: "disclosure", code: "nobody_in_class", message, review: true }];
};
