import { isSmall, type Rule } from "./rule.ts";

/** R1: every cell needs enough distinct subjects of every protected table reference. */
export const subjectsRule: Rule = ({ evidence, isEnough }) => {
  const small = evidence.cells.filter((cell) => isSmall(cell, isEnough));
  if (small.length === 0) return [];
  const suppress = small.map((cell) => ({ cell: cell.cell, aggregate: "row" as const }));
  const message = "Cells with too few subjects are suppressed";
  return [{ rule: "R1", family: "threshold", code: "cell_too_small", message, suppress }];
};
