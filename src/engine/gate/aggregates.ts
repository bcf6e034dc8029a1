import { ALWAYS, conjunction, readCondition } from "./condition.ts";
import { badArgument, readContribution, requireBare, splitCase } from "./contribution.ts";
import { readDistinctValues } from "./distinct-values.ts";
import { columnsOf, withoutIdleCasts, type ColumnExpression, type Expression } from "./expression.ts";
import { isMissing } from "./from.ts";
import { nearestAggregate, ONE_SUBJECT_AGGREGATES } from "./functions.ts";
import { constantNumber, manifestColumn, type ColumnScope } from "./generalise.ts";
import type { Aggregate, Condition, Spread, SubjectClass } from "./ir.ts";
import { isMoments, readMoments } from "./moments.ts";
import { isQuantile } from "./plan-quantile.ts";
import type { PlanAggregate } from "./plan-window.ts";
import { readQuantile } from "./quantile.ts";
import { refuse } from "./refusal.ts";

export interface AggregateScope extends ColumnScope {
  subjects: readonly SubjectClass[];
}

/** One aggregate call in the form that the evidence can judge; refuses the rest. */
export function readAggregate(scope: AggregateScope, call: PlanAggregate): Aggregate {
  const where = call.filter ? readCondition(scope, [call.filter]) : ALWAYS;
  switch (call.name) {
    case "count_star":
      return { kind: "rows", filter: where, elseZero: false, type: call.type };
    case "count":
      return readCount(scope, call, where);
    case "count_if":
    case "countif":
      return {
        kind: "rows",
        filter: conjunction(where, readCondition(scope, call.children)),
        elseZero: false,
        type: call.type,
      };
    case "sum":
    case "avg":
    case "mean":
      return readSum(scope, call, where);
    default:
      return readStatistic(scope, call, where);
  }
}

function readStatistic(scope: AggregateScope, call: PlanAggregate, where: Condition): Aggregate {
  if (Object.hasOwn(SPREADS, call.name)) return readSpread(scope, call, where);
  if (isQuantile(call.name)) return readQuantile(scope, call, where);
  return isMoments(call.name) ? readMoments(scope, call, where) : refuseAggregate(call);
}

function refuseAggregate(call: PlanAggregate): never {
  const showsOne = Object.hasOwn(ONE_SUBJECT_AGGREGATES, call.name);
  return refuse(showsOne ? "aggregate_refused" : "aggregate_not_available", {
    at: call.at,
    construct: `${call.name}()`,
    message: showsOne ? `${call.name}() can show the value of one subject` : undefined,
    suggestion: nearestAggregate(call.name),
  });
}

function readCount(scope: AggregateScope, call: PlanAggregate, where: Condition): Aggregate {
  const { condition, value } = splitCase(scope, call, where);
  if (call.distinct) return countDistinct(scope, call, { filter: condition, value });
  const filtered = { filter: condition, elseZero: false, type: call.type };
  if (value.kind === "constant") return { kind: "rows", ...filtered };
  const bare = withoutIdleCasts(value);
  if (bare.kind !== "column") return badArgument(call);
  if (!mayBeNull(scope, bare)) return { kind: "values", argument: bare, ...filtered };
  return { kind: "rows", ...filtered, filter: conjunction(condition, present(bare)) };
}

function mayBeNull(scope: AggregateScope, column: ColumnExpression): boolean {
  return scope.tables[column.table]!.nullable === true || manifestColumn(scope, column).nullCount > 0;
}

/** Beside count(*) it tells how many rows have no value: a filter like others (R4), though not one that was written (R19). */
function present(column: ColumnExpression): Condition {
  const expression: Expression = { kind: "is_not_null", type: "BOOLEAN", children: [column] };
  return [[{ expression, constant: true }]];
}

function countDistinct(
  scope: AggregateScope,
  call: PlanAggregate,
  { filter, value }: { filter: Condition; value: Expression },
): Aggregate {
  const bare = withoutIdleCasts(value);
  const subject = scope.subjects.findIndex(
    (known) =>
      bare.kind === "column" && known.tables.includes(bare.table) && scope.tables[bare.table]?.subjectKey === bare.name,
  );
  if (subject < 0) return readDistinctValues(scope, call, { filter, value });
  const isOptional = bare.kind === "column" && scope.tables[bare.table]!.nullable === true;
  const counted = isOptional ? conjunction(filter, present(bare)) : filter;
  return { kind: "subjects", subject, argument: bare, filter: counted, elseZero: false, type: call.type };
}

function readSum(scope: AggregateScope, call: PlanAggregate, where: Condition): Aggregate {
  if (call.distinct) return refuse("aggregate_not_available", { at: call.at, construct: `${call.name}(DISTINCT …)` });
  const { condition, value, elseZero } = splitCase(scope, call, where);
  const argument = readContribution(scope, call, value);
  const filter = whereThere(scope, call, { condition, argument, elseZero });
  return { kind: call.name === "sum" ? "sum" : "avg", argument, filter, elseZero, type: call.type };
}

const SPREADS: Readonly<Record<string, Spread>> = {
  var_samp: "var_samp",
  variance: "var_samp",
  var_pop: "var_pop",
  stddev: "stddev_samp",
  stddev_samp: "stddev_samp",
  stddev_pop: "stddev_pop",
};

function readSpread(scope: AggregateScope, call: PlanAggregate, where: Condition): Aggregate {
  if (call.distinct) return refuse("aggregate_not_available", { at: call.at, construct: `${call.name}(DISTINCT …)` });
  const { condition, value, elseZero } = splitCase(scope, call, where);
  if (elseZero || constantNumber(value) !== undefined) return badArgument(call);
  requireBare(call, value);
  const argument = readContribution(scope, call, value);
  const filter = whereThere(scope, call, { condition, argument, elseZero });
  return { kind: "spread", spread: SPREADS[call.name]!, argument, filter, elseZero: false, type: call.type };
}

/**
 * A sum and a mean tell how many amounts there are. Where amounts are missing for want of a partner, that is what somebody
 * chose by conditions: judged like a filter.
 */
function whereThere(
  scope: AggregateScope,
  call: PlanAggregate,
  { condition, argument, elseZero }: { condition: Condition; argument: Expression; elseZero: boolean },
): Condition {
  const missing = columnsOf(argument).filter((column) => {
    const { total, nullCount } = manifestColumn(scope, column);
    return isMissing(scope, column) || (total === true && nullCount > 0);
  });
  if (missing.length > 0 && elseZero) return badArgument(call, "CASE … ELSE 0 over what may have no partner");
  return missing.reduce((all, column) => conjunction(all, present(column)), condition);
}
