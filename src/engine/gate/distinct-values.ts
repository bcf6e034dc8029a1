import { checkFunctions, isOpen } from "./atom.ts";
import { columnsOf, placeOf, type Expression } from "./expression.ts";
import { manifestColumn, maskGeneralisations, type ColumnScope } from "./generalise.ts";
import type { Aggregate, Condition } from "./ir.ts";
import type { PlanAggregate } from "./plan-window.ts";
import { refuse } from "./refusal.ts";

/** How many different values there are of what could be a grouping key: a number that the table by that key shows too. */
export function readDistinctValues(
  scope: ColumnScope,
  call: PlanAggregate,
  { filter, value }: { filter: Condition; value: Expression },
): Aggregate {
  const { rest } = maskGeneralisations(scope, value);
  const hidden = columnsOf(rest).find((column) => !isOpen(manifestColumn(scope, column)));
  if (hidden || columnsOf(value).length === 0) {
    return refuse("aggregate_not_available", {
      at: call.at ?? placeOf(value),
      construct: "count(DISTINCT …)",
      suggestion: "Count distinct subject keys, dimensions, or generalisations that the product allows",
    });
  }
  checkFunctions(rest);
  return { kind: "distinct", argument: value, filter, elseZero: false, type: call.type };
}
