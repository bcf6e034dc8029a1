import { badArgument, readContribution, requireBare } from "./contribution.ts";
import { conjunction } from "./condition.ts";
import { columnsOf, placeOf, type Expression } from "./expression.ts";
import { constantNumber, manifestColumn, type ColumnScope } from "./generalise.ts";
import type { Aggregate, Atom, Condition, Moments } from "./ir.ts";
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
 * affine, and they must be of different columns. Count and means of the pairs are those of rows with a filter.
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
  const filter = conjunction(where, [[hasValue(y), hasValue(x)]]);
  const common = { filter, elseZero: false, type: call.type };
  if (MOMENTS.has(call.name)) {
    return { kind: "moments", moments: call.name as Moments, argument: y, second: x, ...common };
  }
  if (call.name === "regr_count") return { kind: "values", argument: columnsOf(y)[0]!, ...common };
  return { kind: "avg", argument: call.name === "regr_avgx" ? x : y, ...common };
}

function measure(scope: ColumnScope, call: PlanAggregate, value: Expression): Expression {
  const [column, ...more] = columnsOf(value);
  if (constantNumber(value) !== undefined || !column || more.length > 0) return badArgument(call);
  // as in a product, what a subject's rows come to would be a mask
  if (manifestColumn(scope, column).total) return badArgument(call, "pair with a per-subject total");
  if (MOMENTS.has(call.name)) requireBare(call, value);
  return readContribution(scope, call, value);
}

function sameColumn(a: Expression, b: Expression): boolean {
  const [x, y] = [columnsOf(a)[0]!, columnsOf(b)[0]!];
  return x.table === y.table && x.name === y.name;
}

/**
 * An affine measure has a value where its column has one. As a condition: what is taken over all rows and what over those
 * that have both values may differ by a few subjects.
 */
function hasValue(value: Expression): Atom {
  const column = columnsOf(value)[0]!;
  return {
    expression: { kind: "is_not_null", type: "BOOLEAN", children: [column] },
    constant: false,
    implied: true,
  };
}
