import { conjunction, readCondition } from "./condition.ts";
import { columnsOf, placeOf, someExpression, type Expression } from "./expression.ts";
import { constantNumber, manifestColumn, type ColumnScope } from "./generalise.ts";
import { labelOf, type Condition } from "./ir.ts";
import type { PlanAggregate } from "./plan-window.ts";
import { refuse } from "./refusal.ts";
import { isDecimal, isInteger, isNumeric } from "./types.ts";

export interface CaseParts {
  condition: Condition;
  value: Expression;
  elseZero: boolean;
}

/** `CASE WHEN p THEN e [ELSE NULL | 0] END` and `p::INTEGER` are filters in disguise. */
export function splitCase(scope: ColumnScope, call: PlanAggregate, where: Condition): CaseParts {
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

function splitBoolean(scope: ColumnScope, call: PlanAggregate, where: Condition): CaseParts {
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

export function badArgument(call: PlanAggregate, construct?: string): never {
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
  checkConstants(call, value);
  if (columns.length === 1) return affine(call, value);
  // What a subject's rows come to depends on the conditions that they were chosen by: as a factor it would be a mask.
  if (columns.some((one) => manifestColumn(scope, one).total))
    return badArgument(call, "product with a per-subject total");
  if (isRatio(value)) return refuseRatio(call);
  const differ = new Set(columns.map(({ table, name }) => `${table} ${name}`)).size === columns.length;
  return differ && columns.length <= MOST_MEASURES ? product(call, value) : badArgument(call);
}

const MOST_MEASURES = 3;

/** All constants of an argument together may scale it so far: what is scaled beyond what a sum can hold would be cut off there. */
const MOST_SCALE = 1e6;
/** An offset that is larger beside a value would round it off. */
const MOST_OFFSET = 1e9;

/**
 * Each measure may have one factor and one offset. Chains of constants could move a value to any limit of its type, or round it
 * away, so that a sum would be a sum over the values on one side of a limit that the developer chose.
 */
function checkConstants(call: PlanAggregate, value: Expression): void {
  const factors: number[] = [];
  const offsets: number[] = [];
  const look = (part: Expression): { factors: number; offsets: number } => {
    if (part.kind === "cast") return look(part.child);
    if (part.kind !== "call") return { factors: 0, offsets: 0 };
    const constants = part.children.map(constantNumber);
    const own = constants.filter((one) => one !== undefined);
    const isProduct = part.name === "*" || part.name === "/";
    if (isProduct) factors.push(...own.map((one) => (part.name === "/" ? 1 / one : one)));
    else offsets.push(...own);
    const below = part.children.map((child, i) => (constants[i] === undefined ? look(child) : NONE));
    const mine = { factors: isProduct ? own.length : 0, offsets: isProduct ? 0 : own.length };
    if (columnsOf(part).length > 1) return mine;
    const all = [mine, ...below];
    const sum = { factors: count(all, "factors"), offsets: count(all, "offsets") };
    if (sum.factors > 1 || sum.offsets > 1) refuseConstants(call);
    return sum;
  };
  const whole = look(value);
  if (whole.factors > 1 || whole.offsets > 1) refuseConstants(call);
  // nothing is left of the measure then
  const sizes = factors.filter((one) => one !== 0).map(Math.abs);
  const scale = sizes.reduce((all, one) => all * Math.max(one, 1), 1);
  const least = sizes.reduce((all, one) => all * Math.min(one, 1), 1);
  const isFar = offsets.some((one) => Math.abs(one) > MOST_OFFSET * Math.min(least, 1));
  if (scale > MOST_SCALE || least < 1 / MOST_SCALE || isFar) refuseConstants(call);
}

const NONE = { factors: 0, offsets: 0 };

function count(parts: readonly { factors: number; offsets: number }[], name: "factors" | "offsets"): number {
  return parts.reduce((sum, part) => sum + part[name], 0);
}

function refuseConstants(call: PlanAggregate, part?: Expression): never {
  const suggestion = "Aggregate the measure as it stands, and scale or shift the result";
  const at = (part && placeOf(part)) ?? call.at;
  return refuse("aggregate_argument_refused", { at, construct: `${call.name}(…)`, suggestion });
}

/** Squares and products of deviations have less room: a scaled measure would be cut off where the developer likes. */
export function requireBare(call: PlanAggregate, value: Expression): void {
  if (value.kind === "cast") return requireBare(call, value.child);
  if (value.kind !== "call") return;
  if (value.children.some(isConstant)) refuseConstants(call, value);
  for (const child of value.children) requireBare(call, child);
}

const isConstant = (part: Expression): boolean => constantNumber(part) !== undefined;

/** A ratio of two measures of a row is a weight that nobody can bound; the ratio of their sums is one of two aggregates. */
function isRatio(value: Expression): boolean {
  return someExpression(
    value,
    (part) => part.kind === "call" && /^\/\/?$/.test(part.name) && columnsOf(part.children[1]!).length > 0,
  );
}

function refuseRatio(call: PlanAggregate): never {
  const suggestion = "Divide the sums: sum(a) / sum(b); a weighted mean is sum(weight * x) / sum(weight)";
  return refuse("aggregate_argument_refused", { at: call.at, construct: `${call.name}(a / b)`, suggestion });
}

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
  if (value.kind === "call" && value.name === "ln") return refuseLogarithm(call);
  if (value.kind !== "call" || !/^[-+*/]$/.test(value.name) || isBlind(value)) return badArgument(call);
  if (value.type === "FLOAT") {
    const suggestion = "Cast the measure to DOUBLE first";
    return refuse("aggregate_argument_refused", { at: call.at, construct: `${call.name}(…)`, suggestion });
  }
  const children = value.children.map((child) =>
    constantNumber(child) === undefined ? affine(call, child) : factor(call, child),
  );
  const variable = value.children.at(-1)!;
  if (value.name === "/" && constantNumber(variable) === undefined) return badArgument(call);
  if (!isInteger(value.type)) return { ...value, children };
  return { ...value, type: "HUGEINT", children: children.map(toHugeint) };
}

/** What the binder makes of geomean() and geometric_mean(). */
function refuseLogarithm(call: PlanAggregate): never {
  const suggestion = "Use median(x) or avg(x) instead of the mean of logarithms";
  return refuse("aggregate_argument_refused", { at: call.at, construct: `${call.name}(ln(…))`, suggestion });
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
  // a cast that drops digits rounds, and what is rounded is cut
  const wide =
    decimal &&
    from &&
    Number(decimal[1]) - Number(decimal[2]) >= Number(from[1]) - Number(from[2]) &&
    Number(decimal[2]) >= Number(from[2]);
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
