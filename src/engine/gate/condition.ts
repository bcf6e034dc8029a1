import { checkAtom, isOpen } from "./atom.ts";
import type { CompareOperator, Expression } from "./expression.ts";
import { columnsOf, placeOf } from "./expression.ts";
import { manifestColumn, type ColumnScope } from "./generalise.ts";
import type { Atom, Condition } from "./ir.ts";
import { refuse } from "./refusal.ts";

const MOST = 8;
const INVERSE: Readonly<Record<CompareOperator, CompareOperator>> = {
  "=": "<>",
  "<>": "=",
  "<": ">=",
  "<=": ">",
  ">": "<=",
  ">=": "<",
  "IS DISTINCT FROM": "IS NOT DISTINCT FROM",
  "IS NOT DISTINCT FROM": "IS DISTINCT FROM",
};

/** TRUE: nothing is filtered. */
export const ALWAYS: Condition = [[]];

/**
 * The conjunction of `expressions` as at most 8 alternatives of at most 8 checked atoms. NOT is pushed down by De
 * Morgan's laws, which hold in three-valued logic too.
 */
export function readCondition(scope: ColumnScope, expressions: readonly Expression[]): Condition {
  return expressions.reduce<Condition>((all, part) => conjunction(all, normalise(scope, part), part), ALWAYS);
}

export function conjunction(left: Condition, right: Condition, place?: Expression): Condition {
  const result = left.flatMap((a) => right.map((b) => [...a, ...b]));
  return checkSize(result, place);
}

function checkSize(condition: Condition, place?: Expression): Condition {
  if (condition.length <= MOST && condition.every((atoms) => atoms.length <= MOST)) return condition;
  return refuse("predicate_too_complex", { at: place && placeOf(place), construct: "the conditions together" });
}

function normalise(scope: ColumnScope, expression: Expression): Condition {
  switch (expression.kind) {
    case "and":
      return expression.children.reduce<Condition>(
        (all, c) => conjunction(all, normalise(scope, c), expression),
        ALWAYS,
      );
    case "or":
      return checkSize(
        expression.children.flatMap((child) => normalise(scope, child)),
        expression,
      );
    case "not":
      return negated(scope, expression.children[0]);
    default:
      return [[atomOf(scope, expression)]];
  }
}

function negated(scope: ColumnScope, inner: Expression): Condition {
  switch (inner.kind) {
    case "not":
      return normalise(scope, inner.children[0]);
    case "and":
      return normalise(scope, { ...inner, kind: "or", children: inner.children.map(not) });
    case "or":
      return normalise(scope, { ...inner, kind: "and", children: inner.children.map(not) });
    case "compare":
      return normalise(scope, { ...inner, operator: INVERSE[inner.operator] });
    case "in":
      return normalise(scope, { ...inner, negated: !inner.negated });
    case "is_null":
      return normalise(scope, { ...inner, kind: "is_not_null" });
    case "is_not_null":
      return normalise(scope, { ...inner, kind: "is_null" });
    case "column":
      return [[atomOf(scope, equalTo(inner, "false"))]];
    default:
      return [[atomOf(scope, not(inner))]];
  }
}

function not(expression: Expression): Expression {
  return { kind: "not", type: "BOOLEAN", at: expression.at, children: [expression] };
}

function equalTo(column: Expression, value: "true" | "false"): Expression {
  const constant: Expression = { kind: "constant", type: "BOOLEAN", value };
  return { kind: "compare", type: "BOOLEAN", at: column.at, operator: "=", children: [column, constant] };
}

function atomOf(scope: ColumnScope, expression: Expression): Atom {
  const whole = expression.kind === "column" ? equalTo(expression, "true") : constantsRight(expression);
  const constant = checkAtom(scope, whole);
  const list =
    whole.kind === "in" && whole.children.length > 2
      ? { probe: whole.children[0]!, negated: whole.negated }
      : undefined;
  const manifests = columnsOf(whole).map((column) => manifestColumn(scope, column));
  const protects = manifests.some((column) => !isOpen(column) || column.generalised) ? { protects: true as const } : {};
  return { expression: whole, constant, ...protects, ...sensitiveSide(scope, whole), ...(list ? { list } : {}) };
}

function sensitiveSide(scope: ColumnScope, atom: Expression): Pick<Atom, "sensitive"> {
  const columns = columnsOf(atom).map((column) => manifestColumn(scope, column));
  if (columns.some(({ role }) => role === "sensitive")) return { sensitive: sideOf(atom) };
  const mark = columns.find(({ sensitive }) => sensitive !== undefined)?.sensitive;
  if (mark === undefined) return {};
  return { sensitive: (atom.kind === "not") === (mark === "outside") ? "inside" : "outside" };
}

/** `=` and IN hold for the people of the named values, `<>` and NOT IN for the others. */
function sideOf(atom: Expression): "inside" | "outside" {
  const isNegated =
    atom.kind === "is_not_null" ||
    (atom.kind === "in" && atom.negated) ||
    (atom.kind === "compare" && (atom.operator === "<>" || atom.operator === "IS DISTINCT FROM"));
  return isNegated ? "outside" : "inside";
}

const MIRRORED: Partial<Record<CompareOperator, CompareOperator>> = { "<": ">", "<=": ">=", ">": "<", ">=": "<=" };

/** `5 < x` is `x > 5`. */
function constantsRight(expression: Expression): Expression {
  if (expression.kind !== "compare") return expression;
  const [left, right] = expression.children;
  const constantLeft = left.kind === "constant" || (left.kind === "cast" && left.child.kind === "constant");
  if (!constantLeft) return expression;
  const operator = MIRRORED[expression.operator] ?? expression.operator;
  return { ...expression, operator, children: [right, left] };
}
