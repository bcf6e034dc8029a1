import { columnsOf, placeOf, withoutIdleCasts, type ColumnExpression, type Expression } from "./expression.ts";
import { manifestColumn, type ColumnScope } from "./generalise.ts";
import type { From, SubjectClass, TableReference } from "./ir.ts";
import type { RawRelation } from "./relation.ts";
import { refuse } from "./refusal.ts";

export interface JoinPair {
  left: ColumnExpression;
  right: ColumnExpression;
}

/** The relations whose columns can be named above. */
export function tablesOf(from: From): number[] {
  return from.kind === "join" ? [...tablesOf(from.left), ...tablesOf(from.right)] : [from.table];
}

/** Equality of two columns that the agreement allows to join, in either direction; anything else is refused. */
export function readPair(scope: ColumnScope, left: Expression, right: Expression): JoinPair {
  const a = withoutIdleCasts(left);
  const b = withoutIdleCasts(right);
  if (a.kind !== "column" || b.kind !== "column")
    return refuse("join_form_refused", {
      at: placeOf(left) ?? placeOf(right),
      construct: "a computed join key",
      suggestion: "Join columns of the same type as they are: ON a.key = b.key",
    });
  const from = path(scope, a);
  const to = path(scope, b);
  if (!isRule(scope, from, to) && !isSameKey(scope, a, b)) {
    refuse("join_not_allowed", { at: placeOf(left), construct: `${from} = ${to}` });
  }
  return { left: a, right: b };
}

export function isRule(scope: ColumnScope, from: string, to: string): boolean {
  return scope.catalogue.joins.some(
    (rule) => (rule.left === from && rule.right === to) || (rule.left === to && rule.right === from),
  );
}

/** What is derived from a product's rows meets this product on its subject key without a rule: nothing is linked anew. */
function isSameKey(scope: ColumnScope, a: ColumnExpression, b: ColumnExpression): boolean {
  const isDerived = [a, b].some((column) => scope.tables[column.table]!.columns !== undefined);
  return isDerived && isSubjectKey(scope, a) && isSubjectKey(scope, b) && path(scope, a) === path(scope, b);
}

export function isSubjectKey(scope: ColumnScope, column: ColumnExpression): boolean {
  return manifestColumn(scope, column).role === "subject_key";
}

/** Where a column comes from, as join rules name it; of derived columns those that are a product's own. */
export function path(scope: ColumnScope, column: ColumnExpression): string {
  const known = manifestColumn(scope, column);
  const reference = scope.tables[column.table]!;
  return reference.columns ? (known.path ?? known.name) : `${reference.product}.${known.name}`;
}

export interface JoinParts {
  join: "inner" | "left";
  left: RawRelation;
  right: RawRelation;
  pairs: JoinPair[];
}

export function joinRelations(scope: { tables: TableReference[] }, parts: JoinParts): RawRelation {
  const { left, right, join, pairs } = parts;
  if (!left.from || !right.from) return withConstants(parts);
  for (const table of join === "left" ? tablesOf(right.from) : []) {
    scope.tables[table] = { ...scope.tables[table]!, nullable: true };
  }
  const on = pairs.map((pair): [ColumnExpression, ColumnExpression] => [pair.left, pair.right]);
  return {
    grain: "raw",
    from: { kind: "join", join, left: left.from, right: right.from, on },
    filters: [...left.filters, ...right.filters],
    columns: [...left.columns, ...right.columns],
  };
}

/** One row of constants, or of what a subquery sees of the rows outside. */
function withConstants({ left, right, join, pairs }: JoinParts): RawRelation {
  if (join !== "inner" || pairs.length > 0)
    return refuse("join_form_refused", { construct: `${join} join of constants` });
  return {
    grain: "raw",
    from: left.from ?? right.from,
    filters: [...left.filters, ...right.filters],
    columns: [...left.columns, ...right.columns],
  };
}

/** Whether a column's being NULL tells that a row of protected rows has no partner. */
export function isMissing(scope: ColumnScope, column: ColumnExpression): boolean {
  const { nullable, subjectKey } = scope.tables[column.table]!;
  return nullable === true && subjectKey !== undefined;
}

/** A FROM list whose join conditions stand in WHERE: takes the equalities between tables out of the filters. */
export function connectFilters(scope: ColumnScope, relation: RawRelation): RawRelation {
  const raw = withoutIdleGaps(relation);
  const from = raw.from;
  if (!from || isConnected(from)) return raw;
  const pairs: JoinPair[] = [];
  const beside = new Set(onesOf(from));
  const filters = raw.filters.flatMap(splitAnd).filter((filter) => {
    if (!isJoinEquality(filter) || columnsOf(filter).some(({ table }) => beside.has(table))) return true;
    pairs.push(readPair(scope, filter.children[0], filter.children[1]));
    return false;
  });
  const connected = connect(from, pairs);
  if (!isConnected(connected)) {
    return refuse("join_form_refused", {
      construct: "CROSS JOIN",
      word: "from",
      suggestion: "Join every table with an equality that the agreement allows",
    });
  }
  return { ...raw, from: connected, filters };
}

/** Relations of one row, which are compared with and not joined. */
function onesOf(from: From): number[] {
  if (from.kind !== "join") return [];
  return [...(from.join === "cross" ? tablesOf(from.right) : []), ...onesOf(from.left), ...onesOf(from.right)];
}

/** What says whether NULLs are among the values of IN, where nobody asks. */
function withoutIdleGaps(raw: RawRelation): RawRelation {
  if (!raw.from) return raw;
  const used = new Set([...raw.filters, ...raw.columns].flatMap(columnsOf).map(({ table }) => table));
  const pruned = (from: From): From => {
    if (from.kind !== "join") return from;
    const isIdle = from.join === "cross" && from.right.kind === "derived" && !used.has(from.right.table);
    if (isIdle) return pruned(from.left);
    return { ...from, left: pruned(from.left), right: pruned(from.right) };
  };
  return { ...raw, from: pruned(raw.from) };
}

export function splitAnd(filter: Expression): Expression[] {
  return filter.kind === "and" ? filter.children.flatMap(splitAnd) : [filter];
}

export function isJoinEquality(filter: Expression): filter is Extract<Expression, { kind: "compare" }> {
  if (filter.kind !== "compare" || filter.operator !== "=") return false;
  const [left, right] = filter.children.map(withoutIdleCasts);
  return left?.kind === "column" && right?.kind === "column" && left.table !== right.table;
}

function isConnected(from: From): boolean {
  if (from.kind !== "join") return true;
  return (from.on.length > 0 || from.join === "cross") && isConnected(from.left) && isConnected(from.right);
}

/** Hands every pair to the lowest join that has one of its columns on each side. */
function connect(from: From, pairs: readonly JoinPair[]): From {
  if (from.kind !== "join") return from;
  const left = new Set(tablesOf(from.left));
  const right = new Set(tablesOf(from.right));
  const mine = pairs.flatMap((pair): [ColumnExpression, ColumnExpression][] => {
    if (left.has(pair.left.table) && right.has(pair.right.table)) return [[pair.left, pair.right]];
    return left.has(pair.right.table) && right.has(pair.left.table) ? [[pair.right, pair.left]] : [];
  });
  if (from.join !== "inner" && mine.length > 0) {
    return refuse("join_form_refused", {
      at: placeOf(mine[0]![0]),
      construct: "a LEFT JOIN with a condition in WHERE",
      suggestion: "Put every join condition into ON",
    });
  }
  return { ...from, on: [...from.on, ...mine], left: connect(from.left, pairs), right: connect(from.right, pairs) };
}

/** Protected references whose subject keys the joins make equal form one class; k holds for each class. */
export function subjectClasses(tables: readonly TableReference[], from: From): SubjectClass[] {
  const keys = tablesOf(from).flatMap((table) => keysOf(tables[table]!).map((name) => nameOf({ table, name })));
  const classes = keys.map((key) => new Set([key]));
  for (const [left, right] of equalities(from)) {
    const a = classes.findIndex((one) => one.has(nameOf(left)));
    const b = classes.findIndex((one) => one.has(nameOf(right)));
    if (a < 0 || b < 0 || a === b) continue;
    for (const key of classes[b]!) classes[a]!.add(key);
    classes.splice(b, 1);
  }
  const rank = ({ table }: ColumnExpression): number => (tables[table]!.nullable ? tables.length : 0) + table;
  return classes.map((one) => {
    const members = [...one].map(columnNamed).toSorted((a, b) => rank(a) - rank(b));
    return { column: members[0]!, tables: members.map(({ table }) => table) };
  });
}

/** A product has one subject key; what is made of rows of several kinds of subjects has one for each. */
function keysOf({ subjectKey, columns }: TableReference): string[] {
  if (columns) return columns.filter(({ role }) => role === "subject_key").map(({ name }) => name);
  return subjectKey === undefined ? [] : [subjectKey];
}

const nameOf = ({ table, name }: { table: number; name: string }): string => `${table} ${name}`;

function columnNamed(key: string): ColumnExpression {
  const at = key.indexOf(" ");
  return { kind: "column", table: Number(key.slice(0, at)), name: key.slice(at + 1), type: "UINTEGER" };
}

function equalities(from: From): [ColumnExpression, ColumnExpression][] {
  if (from.kind !== "join") return [];
  // INVARIANT: a class is counted by a member that is never NULL for want of a partner, where it has one.
  const here = from.join === "inner" || from.join === "left" ? from.on : [];
  return [...here, ...equalities(from.left), ...equalities(from.right)];
}
