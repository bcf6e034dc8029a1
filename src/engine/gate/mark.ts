import { readCondition } from "./condition.ts";
import { isOpen } from "./atom.ts";
import { derive, derivedColumn, type DerivedScope } from "./derived.ts";
import {
  childrenOf,
  columnsOf,
  placeOf,
  withoutIdleCasts,
  type ColumnExpression,
  type Expression,
} from "./expression.ts";
import {
  connectFilters,
  isJoinEquality,
  isRule,
  isSubjectKey,
  path,
  splitAnd,
  subjectClasses,
  tablesOf,
  type JoinPair,
} from "./from.ts";
import { manifestColumn } from "./generalise.ts";
import type { Atom, Condition, DerivedColumn, From, SubjectClass } from "./ir.ts";
import type { RawRelation } from "./relation.ts";
import { refuse } from "./refusal.ts";

export interface MarkParts {
  left: RawRelation;
  right: RawRelation;
  /** `left = right` of IN, or of a semi join. */
  probes: [Expression, Expression][];
  /** Whether NULLs make the answer unknown, as for IN. */
  isIn: boolean;
}

/**
 * Whether a row of the left has partners among the rows of the right: EXISTS, IN, semi and anti joins. It becomes a
 * condition on the left row alone, which the split test can leave out, and whose own conditions it can leave out too.
 */
export function markRows(scope: DerivedScope, parts: MarkParts): { from: From; mark: Expression } {
  const { left, right, isIn } = parts;
  if (!left.from || !right.from) return refuse("subquery_refused", { construct: "a subquery without FROM" });
  const inner = splitCorrelation(right);
  const pairs = [...inner.pairs, ...parts.probes.map((probe) => pairOf(probe[0], probe[1]))];
  if (pairs.length === 0) return refuse("subquery_refused", { construct: "EXISTS without a common key", suggestion });
  const connected = connectFilters(scope, { ...right, filters: inner.filters });
  const from = connected.from!;
  const classes = subjectClasses(scope.tables, from);
  for (const pair of pairs) checkPair(scope, pair, classes.length === 0);
  const where = readInner(scope, connected.filters);
  const witness = unlinked(scope, classes, pairs);
  const keys = pairs.map((pair) => pair.right);
  const hit = derive(
    scope,
    { kind: "mark", from, where, keys, nulls: isIn, ...(witness ? { witness: witness.column } : {}) },
    [
      ...keys.map((key, i) => derivedColumn(`k${i}`, { role: "identifier", type: key.type, path: path(scope, key) })),
      derivedColumn("m", { role: "dimension", type: "BOOLEAN", generalised: true, ...sensitiveSide(where) }),
      derivedColumn("f", { role: "dimension", type: "BOOLEAN", generalised: true }),
      ...(witness
        ? [derivedColumn("w", { role: "subject_key", type: "UINTEGER", path: path(scope, witness.column) })]
        : []),
    ],
  );
  const on = pairs.map((pair, i): [ColumnExpression, ColumnExpression] => [pair.left, hit.columns[i]!]);
  const joined: From = { kind: "join", join: isIn ? "matching" : "left", left: left.from, right: hit.from, on };
  const [m, f] = hit.columns.slice(keys.length);
  if (!isIn) return { from: joined, mark: orFalse(m!) };
  const gap = derive(scope, { kind: "gap", from, where, key: keys[0]! }, [
    derivedColumn("g", { role: "dimension", type: "BOOLEAN", generalised: true }),
  ]);
  return {
    from: { kind: "join", join: "cross", left: joined, right: gap.from, on: [] },
    mark: orUnknown(m!, f!, gap.columns[0]!),
  };
}

/** EXISTS with a condition on a disease asks who has it, as the condition itself would (R7). */
function sensitiveSide(where: Condition): Pick<DerivedColumn, "sensitive"> {
  const side = where.flat().find((atom) => atom.sensitive !== undefined)?.sensitive;
  return side === undefined ? {} : { sensitive: side };
}

/** Every part of it is left out once by the split test: that bounds its size more than a query's own. */
export function readInner(scope: DerivedScope, filters: readonly Expression[]): Condition {
  const where = readCondition(scope, filters);
  if (partsOf(where) <= MOST_PARTS) return where;
  return refuse("predicate_too_complex", {
    at: filters.map(placeOf).find((place) => place !== undefined),
    construct: "a subquery's conditions",
    suggestion: `Up to ${MOST_PARTS} conditions and listed values in one subquery`,
  });
}

/** Conditions, alternatives where there are several, and listed values. */
function partsOf(where: Condition): number {
  const atoms = where.flat().filter((atom) => !atom.constant);
  return atoms.reduce((sum, atom) => sum + 1 + listed(atom), where.length > 1 ? where.length : 0);
}

const listed = ({ expression, list }: Atom): number => (list ? childrenOf(expression).length - 1 : 0);

const MOST_PARTS = 16;
const suggestion = "Correlate the subquery by equality of keys that the agreement allows to join";

const FALSE: Expression = { kind: "constant", type: "BOOLEAN", value: "false" };
const TRUE: Expression = { kind: "constant", type: "BOOLEAN", value: "true" };
const UNKNOWN: Expression = { kind: "constant", type: "BOOLEAN", value: null };

function orFalse(column: ColumnExpression): Expression {
  return { kind: "coalesce", type: "BOOLEAN", children: [column, FALSE] };
}

/** IN: unknown for NULL when there is anything to compare with, and for no partner when a NULL is among them. */
function orUnknown(m: ColumnExpression, f: ColumnExpression, g: ColumnExpression): Expression {
  return {
    kind: "case",
    type: "BOOLEAN",
    checks: [
      { when: orFalse(m), value: TRUE },
      { when: { kind: "or", type: "BOOLEAN", children: [orFalse(f), orFalse(g)] }, value: UNKNOWN },
    ],
    otherwise: FALSE,
  };
}

/** Where only true lets a row in, not known is as good as false: then IN needs no look at NULLs. */
export function knownMarks(expression: Expression): Expression {
  if (expression.kind === "and" || expression.kind === "or") {
    return { ...expression, children: expression.children.map(knownMarks) };
  }
  const isMark = expression.kind === "case" && expression.checks[1]?.value === UNKNOWN;
  return isMark ? expression.checks[0]!.when : expression;
}

/** Takes what ties the inner rows to the outer one out of the inner conditions. */
function splitCorrelation(right: RawRelation): { pairs: JoinPair[]; filters: Expression[] } {
  const own = new Set(tablesOf(right.from!));
  const pairs: JoinPair[] = [];
  const filters = right.filters.flatMap(splitAnd).filter((filter) => {
    const outside = columnsOf(filter).filter((column) => !own.has(column.table));
    if (outside.length === 0) return true;
    if (!isJoinEquality(filter)) {
      return refuse("subquery_refused", {
        at: placeOf(filter),
        construct: `${outside[0]!.name} in a subquery's condition`,
        suggestion,
      });
    }
    const [a, b] = filter.children;
    pairs.push(columnsOf(a).some((column) => own.has(column.table)) ? pairOf(b, a) : pairOf(a, b));
    return false;
  });
  return { pairs, filters };
}

function pairOf(left: Expression, right: Expression): JoinPair {
  const [a, b] = [withoutIdleCasts(left), withoutIdleCasts(right)];
  if (a.kind === "column" && b.kind === "column") return { left: a, right: b };
  return refuse("subquery_refused", { at: placeOf(left) ?? placeOf(right), construct: "computed key", suggestion });
}

/**
 * Rules of the agreement; one subject's own rows; and public lists, which a dimension column may be looked up in as it
 * may be compared with constants.
 */
function checkPair(scope: DerivedScope, { left, right }: JoinPair, isPublic: boolean): void {
  const [from, to] = [path(scope, left), path(scope, right)];
  if (isRule(scope, from, to)) return;
  if (from === to && isSubjectKey(scope, left) && isSubjectKey(scope, right)) return;
  if (isPublic && isOpen(manifestColumn(scope, right)) && isOpen(manifestColumn(scope, left))) return;
  refuse("join_not_allowed", { at: placeOf(left), construct: `${from} = ${to}` });
}

/** The class of inner subjects that are not the outer row's own: k holds for them too. */
function unlinked(
  scope: DerivedScope,
  classes: readonly SubjectClass[],
  pairs: readonly JoinPair[],
): SubjectClass | undefined {
  const isOwn = ({ tables }: SubjectClass): boolean =>
    pairs.some(
      ({ left, right }) => tables.includes(right.table) && isSubjectKey(scope, left) && isSubjectKey(scope, right),
    );
  const others = classes.filter((one) => !isOwn(one));
  if (others.length < 2) return others[0];
  return refuse("subquery_refused", {
    construct: "subquery over several kinds of subjects",
    suggestion: "Join the tables instead, or correlate the subquery by the subject key",
  });
}
