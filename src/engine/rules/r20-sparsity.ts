import { isSmall, type Rule, type RuleOutcome } from "./rule.ts";

/** R20: tables with many small cells, many keys or many rows are looked at by a person. */
export const sparsityRule: Rule = ({ query, evidence, profile, isEnough }) => {
  if (evidence.classes === 0) return [];
  const outcomes: RuleOutcome[] = [];
  const small = evidence.cells.filter((cell) => isSmall(cell, isEnough)).length;
  const isSparse = evidence.cells.length > 1 && small / evidence.cells.length > profile.sparseShareReview.value;
  if (isSparse)
    outcomes.push({
      ...base,
      code: "sparse_table",
      message: "Many cells of the table are small; a person looks at it",
    });
  if (query.keys.length > profile.maxKeys.value) {
    outcomes.push({ ...base, code: "many_keys", message: "The table has many keys; a person looks at it" });
  }
  if (evidence.cells.length > profile.maxRows.value) {
    outcomes.push({ ...base, code: "many_rows", message: "The table has many rows; a person looks at it" });
  }
  return outcomes;
};

const base = { rule: "R20", family: "sparsity", review: true } as const;
