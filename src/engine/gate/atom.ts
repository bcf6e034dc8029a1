import { alignedNumber, alignedPeriod } from "./cut-points.ts";
import { columnsOf, placeOf, someExpression, withoutIdleCasts, type Expression } from "./expression.ts";
import { SCALAR_FUNCTIONS } from "./functions.ts";
import { constantNumber, manifestColumn, maskGeneralisations, type ColumnScope } from "./generalise.ts";
import { labelOf, type DerivedColumn } from "./ir.ts";
import { refuse, type RefusalCode } from "./refusal.ts";
import { isNumeric, isTemporal, keepsValues } from "./types.ts";

const MOST_CONSTANTS = 50;

/** Whether one condition may steer which rows count; refuses it otherwise. Answers whether it looks at no column. */
export function checkAtom(scope: ColumnScope, atom: Expression): boolean {
  const columns = columnsOf(atom);
  if (atom.kind === "in" && atom.children.length - 1 > MOST_CONSTANTS) fail("predicate_too_complex", atom);
  const strictest = columns
    .map((column) => manifestColumn(scope, column))
    .toSorted(byRole)
    .at(-1);
  if (!strictest) return checkConstant(atom);
  const open = isOpen(strictest);
  if (open) checkFunctions(atom);
  else checkProtected(scope, atom, strictest);
  return false;
}

const ORDER = ["public", "dimension", "measure", "quasi_identifier", "sensitive", "identifier", "subject_key"];

function byRole(a: DerivedColumn, b: DerivedColumn): number {
  return ORDER.indexOf(a.role) - ORDER.indexOf(b.role);
}

export function isOpen(column: DerivedColumn): boolean {
  return column.role === "public" || column.role === "dimension";
}

/** How many rows a subject has: whole and small, so that one number is as good as two limits around it. */
export function isCounted(column: DerivedColumn): boolean {
  return column.total === true && (column.generalise ?? []).includes("bin:1");
}

interface About {
  column?: DerivedColumn;
  suggestion?: string;
}

function fail(code: RefusalCode, atom: Expression, { column, suggestion }: About = {}): never {
  return refuse(code, { at: placeOf(atom), construct: column && labelOf(column), suggestion });
}

function checkConstant(atom: Expression): true {
  checkFunctions(atom);
  return true;
}

/** Dimension and public columns may be combined freely with pure functions. */
export function checkFunctions(expression: Expression): void {
  someExpression(expression, (part) => {
    if (part.kind === "call" && !SCALAR_FUNCTIONS.has(part.name)) {
      refuse("function_refused", { at: placeOf(part), construct: `${part.name}()` });
    }
    return false;
  });
}

function checkProtected(scope: ColumnScope, atom: Expression, strictest: DerivedColumn): void {
  if (isPartnerTest(scope, atom)) return;
  if (strictest.role === "identifier" || strictest.role === "subject_key")
    fail("predicate_identifies", atom, { column: strictest });
  if (strictest.role === "sensitive") return checkSensitive(atom, strictest);
  const masked = maskGeneralisations(scope, atom);
  if (columnsOf(masked.rest).every((column) => isOpen(manifestColumn(scope, column))))
    return checkFunctions(masked.rest);
  if (columnsOf(atom).length !== 1) fail("predicate_form", atom, { column: strictest });
  if (atom.kind === "is_null" || atom.kind === "is_not_null") return checkBare(atom.children[0], atom, strictest);
  if (strictest.role === "measure") return checkMeasure(atom, strictest);
  return checkQuasi(atom, strictest);
}

/**
 * `right.key IS NULL` after a LEFT JOIN: whether there is a partner, whatever column says so; and `key IS NOT NULL`, which
 * leaves out what is nobody's (NOT IN needs it).
 */
function isPartnerTest(scope: ColumnScope, atom: Expression): boolean {
  if (atom.kind !== "is_null" && atom.kind !== "is_not_null") return false;
  const bare = withoutIdleCasts(atom.children[0]);
  if (bare.kind !== "column") return false;
  const isOwned = atom.kind === "is_not_null" && manifestColumn(scope, bare).role === "subject_key";
  return isOwned || scope.tables[bare.table]!.nullable === true;
}

function checkBare(expression: Expression, atom: Expression, column: DerivedColumn): void {
  let part = expression;
  while (part.kind === "cast" && isWidening(part)) part = part.child;
  if (part.kind !== "column") fail("predicate_form", atom, { column });
}

function isWidening(cast: Extract<Expression, { kind: "cast" }>): boolean {
  return keepsValues(cast.child.type, cast.type) || (cast.child.type === "ENUM" && cast.type === "VARCHAR");
}

/** The right-hand constants of `column op constants`; anything else has a form that cannot be judged. */
function constantsOf(atom: Expression, column: DerivedColumn): Expression[] {
  if (atom.kind !== "compare" && atom.kind !== "in") return fail("predicate_form", atom, { column });
  const [probe, ...constants] = atom.children;
  checkBare(probe, atom, column);
  const plain = constants.every(
    (constant) => (constant.kind === "cast" ? constant.child : constant).kind === "constant",
  );
  return plain ? constants : fail("predicate_form", atom, { column });
}

/** How many people have a value is the question; no order, no parts of it. */
function checkSensitive(atom: Expression, column: DerivedColumn): void {
  if (atom.kind === "is_null" || atom.kind === "is_not_null") return checkBare(atom.children[0], atom, column);
  constantsOf(atom, column);
  const equality = atom.kind === "in" || (atom.kind === "compare" && !/[<>]=?$/.test(atom.operator.replace("<>", "")));
  if (!equality) fail("predicate_form", atom, { column, suggestion: "Compare a sensitive column with = or IN only" });
}

function checkMeasure(atom: Expression, column: DerivedColumn): void {
  const constants = constantsOf(atom, column);
  const numbers = constants.map(constantNumber);
  if (numbers.length === 1 && numbers[0] === 0) return;
  const ordered = atom.kind === "compare" && /^[<>]=?$/.test(atom.operator);
  if (!ordered && !isCounted(column))
    fail("predicate_form", atom, { column, suggestion: "Compare a measure with <, <=, > or >= and a round number" });
  if (!isNumeric(column.type) && isTemporal(column.type)) return checkPeriod(atom, column, ["month"]);
  if (numbers.some((number) => number === undefined || !alignedNumber(number)))
    fail("cut_point_unaligned", atom, { column });
}

function checkQuasi(atom: Expression, column: DerivedColumn): void {
  const steps = column.generalise ?? [];
  if (steps.length === 0) fail("predicate_identifies", atom, { column });
  if (isTemporal(column.type)) return checkPeriod(atom, column, steps);
  const widths = steps.filter((step) => step.startsWith("bin:")).map((step) => Number(step.slice(4)));
  const numbers = constantsOf(atom, column).map(constantNumber);
  const ordered = atom.kind === "compare" && /^(<|>=)$/.test(atom.operator);
  const aligned = numbers.every((n) => n !== undefined && widths.some((width) => alignedNumber(n, width)));
  if (!ordered || !aligned) fail("cut_point_unaligned", atom, { column, suggestion: suggestSteps(column, steps) });
}

function checkPeriod(atom: Expression, column: DerivedColumn, steps: readonly string[]): void {
  const [constant] = constantsOf(atom, column);
  const ordered = atom.kind === "compare" && /^[<>]=?$/.test(atom.operator);
  if (ordered && constant && alignedPeriod(constant, atom.operator, steps)) return;
  fail("cut_point_unaligned", atom, { column, suggestion: suggestSteps(column, steps) });
}

function suggestSteps(column: DerivedColumn, steps: readonly string[]): string {
  return `Compare ${column.name} at the edges of the allowed generalisations: ${steps.join(", ")}`;
}
