import type { GroupShares } from "../evidence/index.ts";
import { isSplit, type Mark, type Rule, type RuleCase } from "./rule.ts";

/**
 * R7, group disclosure: when nearly all people of a cell, or all, are in one class of a sensitive column, its size tells
 * about each of them; and when all but a few are, about those few.
 */
export const groupsRule: Rule = (input) => {
  const suppress = input.evidence.groups.flatMap((group) =>
    group.cells.flatMap((one) => (isTelling(input, group, one) ? marksOf(input, group, one.cell) : [])),
  );
  if (suppress.length === 0) return [];
  const message = "Values that would tell about nearly everybody in a group are suppressed";
  return [{ rule: "R7", family: "disclosure", code: "group_disclosed", message, suppress }];
};

function isTelling(
  { profile }: RuleCase,
  { sides }: GroupShares,
  { holds, all }: { holds: readonly number[]; all: readonly number[] },
): boolean {
  return all.some((whole, c) => {
    const rest = whole - holds[c]!;
    const classes = sides.map((side) => (side === "inside" ? holds[c]! : rest));
    const isWhole = whole > 0 && classes.some((size) => size >= profile.groupShare.value * whole);
    return isWhole || isSplit(rest, profile.minSubjects.value);
  });
}

/** A condition of WHERE is asked of the whole cell. */
function marksOf(input: RuleCase, { aggregates }: GroupShares, cell: number): Mark[] {
  const own = aggregates ?? [...input.query.aggregates.keys()];
  const open = own.filter((aggregate) => input.isOpen(cell, aggregate));
  if (aggregates !== undefined || open.length < own.length) return open.map((aggregate) => ({ cell, aggregate }));
  return input.isRowOpen(cell) ? [{ cell, aggregate: "row" }] : [];
}
