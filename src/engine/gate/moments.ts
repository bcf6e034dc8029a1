import { badArgument, contribution } from "./contribution.ts";
import { conjunction } from "./condition.ts";
import { columnsOf, placeOf, type Expression } from "./expression.ts";
import { constantNumber, type ColumnScope } from "./generalise.ts";
import type { Aggregate, Condition, Moments } from "./ir.ts";
import type { PlanAggregate } from "./plan-window.ts";
import { refuse } from "./refusal.ts";

const MOMENTS: ReadonlySet<string> = new Set<Moments>([
  "covar_pop",
  "covar_samp",
  "corr",
  "regr_slope",
  "regr_intercept",
  "regr_r2",
  "regr_sxx",
  "regr_syy",
  "regr_sxy",
]);
const COUNTED: ReadonlySet<string> = new Set(["regr_count", "regr_avgx", "regr_avgy"]);

export function isMoments(name: string): boolean {
  return MOMENTS.has(name) || COUNTED.has(name);
}

/**
 * Statistics of two measures over the rows that have both: covariance, correlation, the straight line. Each measure may be
 * affine, and they must be of different columns. A count and means of the pairs are those of rows with a filter.
 */
export function readMoments(scope: ColumnScope, call: PlanAggregate, where: Condition): Aggregate {
  if (call.distinct) return refuse("aggregate_not_available", { at: call.at, construct: `${call.name}(DISTINCT …)` });
  const [y, x] = call.children.map((child) => measure(scope, call, child));
  if (!x || !y || call.children.length !== 2) return badArgument(call);
  if (sameColumn(x, y)) {
    const suggestion = "Use var_pop() or stddev() for one measure, and two different measures here";
    return refuse("aggregate_argument_refused", {
      at: call.at ?? placeOf(x),
      construct: `${call.name}(…)`,
      suggestion,
    });
  }
  const common = { filter: where, elseZero: false, type: call.type };
  if (MOMENTS.has(call.name)) {
    return { kind: "moments", moments: call.name as Moments, argument: y, second: x, ...common };
  }
  const [own, other] = call.name === "regr_avgx" ? [x, y] : [y, x];
  const filter = conjunction(where, hasValue(other));
  if (call.name !== "regr_count") return { kind: "avg", argument: own, ...common, filter };
  return { kind: "values", argument: columnsOf(own)[0]!, ...common, filter };
}

function measure(scope: ColumnScope, call: PlanAggregate, value: Expression): Expression {
  if (constantNumber(value) !== undefined || columnsOf(value).length !== 1) return badArgument(call);
  return contribution(scope, call, value);
}

function sameColumn(a: Expression, b: Expression): boolean {
  const [x, y] = [columnsOf(a)[0]!, columnsOf(b)[0]!];
  return x.table === y.table && x.name === y.name;
}

/** An affine measure has a value where its column has one. */
function hasValue(value: Expression): Condition {
  const column = columnsOf(value)[0]!;
  return [[{ expression: { kind: "is_not_null", type: "BOOLEAN", children: [column] }, constant: false }]];
}
