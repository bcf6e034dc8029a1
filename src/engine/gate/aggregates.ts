import { ALWAYS, conjunction, readCondition } from "./condition.ts";
import { columnsOf, placeOf, withoutIdleCasts, type ColumnExpression, type Expression } from "./expression.ts";
import { isMissing } from "./from.ts";
import { ONE_SUBJECT_AGGREGATES } from "./functions.ts";
import { constantNumber, manifestColumn, type ColumnScope } from "./generalise.ts";
import { labelOf, type Aggregate, type Condition, type Spread, type SubjectClass } from "./ir.ts";
import type { PlanAggregate } from "./plan-window.ts";
import { refuse } from "./refusal.ts";
import { isDecimal, isInteger, isNumeric } from "./types.ts";

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
      return Object.hasOwn(SPREADS, call.name) ? readSpread(scope, call, where) : refuseAggregate(call);
  }
}

function refuseAggregate(call: PlanAggregate): never {
  const suggestion = ONE_SUBJECT_AGGREGATES[call.name];
  const code = suggestion === undefined ? "aggregate_not_available" : "aggregate_refused";
  const message = suggestion === undefined ? undefined : `${call.name}() can show the value of one subject`;
  return refuse(code, { at: call.at, construct: `${call.name}()`, message, suggestion });
}

function readCount(scope: AggregateScope, call: PlanAggregate, where: Condition): Aggregate {
  const { condition, value } = splitCase(scope, call, where);
  if (call.distinct) return countSubjects(scope, call, { filter: condition, value });
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

function countSubjects(
  scope: AggregateScope,
  call: PlanAggregate,
  { filter, value }: { filter: Condition; value: Expression },
): Aggregate {
  const bare = withoutIdleCasts(value);
  const subject = scope.subjects.findIndex(
    (known) =>
      bare.kind === "column" && known.tables.includes(bare.table) && scope.tables[bare.table]?.subjectKey === bare.name,
  );
  if (subject < 0) {
    return refuse("aggregate_not_available", {
      at: call.at,
      construct: "count(DISTINCT …)",
      suggestion: "Count distinct subject keys, or group by the dimension and count its rows",
    });
  }
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

interface CaseParts {
  condition: Condition;
  value: Expression;
  elseZero: boolean;
}

/** `CASE WHEN p THEN e [ELSE NULL | 0] END` and `p::INTEGER` are filters in disguise. */
function splitCase(scope: AggregateScope, call: PlanAggregate, where: Condition): CaseParts {
  const value = onlyArgument(call);
  const inner = value.kind === "cast" && isNumeric(value.type) ? value.child : value;
  if (inner.kind !== "case") return splitBoolean(scope, call, where);
  const [check, ...more] = inner.checks;
  const otherwise = inner.otherwise.kind === "cast" ? inner.otherwise.child : inner.otherwise;
  const isNull = otherwise.kind === "constant" && otherwise.value === null;
  const isZero = constantNumber(inner.otherwise) === 0;
  const countsZero = isZero && call.name !== "count";
  if (!check || more.length > 0 || !(isNull || countsZero)) return badArgument(call, "CASE with another ELSE");
  if (isZero && call.filter) return badArgument(call, "CASE … ELSE 0 together with FILTER");
  const chosen: Expression =
    inner === value ? check.value : { ...value, kind: "cast", safe: false, child: check.value };
  return { condition: conjunction(where, readCondition(scope, [check.when])), value: chosen, elseZero: isZero };
}

function splitBoolean(scope: AggregateScope, call: PlanAggregate, where: Condition): CaseParts {
  const value = onlyArgument(call);
  const isCondition = value.kind === "cast" && value.child.type === "BOOLEAN" && isNumeric(value.type);
  if (!isCondition) return { condition: where, value, elseZero: false };
  if (call.filter || call.name === "count") return badArgument(call);
  const one: Expression = { kind: "constant", type: value.type, value: "1" };
  return { condition: conjunction(where, readCondition(scope, [value.child])), value: one, elseZero: true };
}

function onlyArgument(call: PlanAggregate): Expression {
  const [value, ...more] = call.children;
  return value && more.length === 0
    ? value
    : refuse("aggregate_not_available", { at: call.at, construct: `${call.name}()` });
}

function badArgument(call: PlanAggregate, construct?: string): never {
  const at = call.at ?? call.children.map(placeOf).find((place) => place !== undefined);
  return refuse("aggregate_argument_refused", { at, construct: construct ?? `${call.name}(…)` });
}

/**
 * 1, a measure, a * measure + b with constants, or a product of up to three of these over different measures: none of these
 * lets a developer choose whose value counts. Widened so that no value can make it overflow, or guarded (`parts.ts`).
 */
export function readContribution(scope: ColumnScope, call: PlanAggregate, value: Expression): Expression {
  if (constantNumber(value) !== undefined) return value;
  const columns = columnsOf(value);
  const [column] = columns;
  if (!column) return badArgument(call);
  for (const one of columns) {
    const known = manifestColumn(scope, one);
    if (known.role !== "measure") refuse("measure_required", { at: placeOf(value), construct: labelOf(known) });
  }
  if (columns.length === 1) return affine(call, value);
  // What a subject's rows come to depends on the conditions that they were chosen by: as a factor it would be a mask.
  if (columns.some((one) => manifestColumn(scope, one).total))
    return badArgument(call, "product with a per-subject total");
  const differ = new Set(columns.map(({ table, name }) => `${table} ${name}`)).size === columns.length;
  return differ && columns.length <= MOST_MEASURES ? product(call, value) : badArgument(call);
}

const MOST_MEASURES = 3;

/** price * (1 - discount) * (1 + tax): amounts that measures make together, of one subject's row. */
function product(call: PlanAggregate, value: Expression): Expression {
  if (value.kind === "cast" && value.type === "DOUBLE")
    return { ...value, child: product(call, value.child), safe: false };
  if (value.kind !== "call" || value.name !== "*" || value.children.length !== 2) return badArgument(call);
  const children = value.children.map((child) =>
    columnsOf(child).length === 1 ? affine(call, child) : product(call, child),
  );
  if (!isInteger(value.type)) return { ...value, children };
  return { ...value, type: "HUGEINT", children: children.map(toHugeint) };
}

const MOST_FACTOR = 1e9;

function affine(call: PlanAggregate, value: Expression): Expression {
  if (value.kind === "column") return value;
  if (value.kind === "cast") return widened(call, value);
  if (value.kind !== "call" || !/^[-+*/]$/.test(value.name) || isBlind(value)) return badArgument(call);
  const children = value.children.map((child) =>
    constantNumber(child) === undefined ? affine(call, child) : factor(call, child),
  );
  const variable = value.children.at(-1)!;
  if (value.name === "/" && constantNumber(variable) === undefined) return badArgument(call);
  if (!isInteger(value.type)) return { ...value, children };
  return { ...value, type: "HUGEINT", children: children.map(toHugeint) };
}

/** Integer arithmetic is widened; where that is not possible an overflow would be an error that tells of a value. */
function isBlind(value: Extract<Expression, { kind: "call" }>): boolean {
  return value.mayOverflow && !isDecimal(value.type);
}

function widened(call: PlanAggregate, cast: Extract<Expression, { kind: "cast" }>): Expression {
  const child = affine(call, cast.child);
  if (isInteger(cast.type) && isInteger(child.type)) return toHugeint(child);
  if (cast.type === "DOUBLE" && isNumeric(child.type)) return { ...cast, child, safe: false };
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(cast.type);
  const from = /^DECIMAL\((\d+),(\d+)\)$/.exec(child.type);
  const wide = decimal && from && Number(decimal[1]) - Number(decimal[2]) >= Number(from[1]) - Number(from[2]);
  return wide || cast.type === child.type ? { ...cast, child } : badArgument(call);
}

function toHugeint(child: Expression): Expression {
  return child.type === "HUGEINT" ? child : { kind: "cast", type: "HUGEINT", safe: false, child };
}

function factor(call: PlanAggregate, constant: Expression): Expression {
  const size = Math.abs(constantNumber(constant) ?? 0);
  const fits = size === 0 || (size <= MOST_FACTOR && size >= 1 / MOST_FACTOR);
  return fits ? constant : badArgument(call);
}
