import { placeOf, withoutIdleCasts, type ColumnExpression, type Expression } from "./expression.ts";
import { manifestColumn, type ColumnScope } from "./generalise.ts";
import type { From, SubjectClass, TableReference } from "./ir.ts";
import type { RawRelation } from "./relation.ts";
import { refuse } from "./refusal.ts";

export interface JoinPair {
  left: ColumnExpression;
  right: ColumnExpression;
}

export function tablesOf(from: From): number[] {
  return from.kind === "table" ? [from.table] : [...tablesOf(from.left), ...tablesOf(from.right)];
}

/** Equality of two columns that the agreement allows to join, in either direction; anything else is refused. */
export function readPair(scope: ColumnScope, left: Expression, right: Expression): JoinPair {
  const a = withoutIdleCasts(left);
  const b = withoutIdleCasts(right);
  if (a.kind !== "column" || b.kind !== "column")
    return refuse("join_form_refused", { at: placeOf(left) ?? placeOf(right) });
  const from = path(scope, a);
  const to = path(scope, b);
  const allowed = scope.catalogue.joins.some(
    (rule) => (rule.left === from && rule.right === to) || (rule.left === to && rule.right === from),
  );
  if (!allowed) return refuse("join_not_allowed", { at: placeOf(left), construct: `${from} = ${to}` });
  return { left: a, right: b };
}

function path(scope: ColumnScope, column: ColumnExpression): string {
  return `${scope.tables[column.table]!.product}.${manifestColumn(scope, column).name}`;
}

export interface JoinParts {
  join: "inner" | "left";
  left: RawRelation;
  right: RawRelation;
  pairs: JoinPair[];
}

export function joinRelations(scope: ColumnScope, parts: JoinParts): RawRelation {
  const { left, right, join, pairs } = parts;
  if (!left.from || !right.from) return refuse("join_form_refused");
  if (join === "left") checkOuter(scope, right);
  const on = pairs.map((pair): [ColumnExpression, ColumnExpression] => [pair.left, pair.right]);
  return {
    grain: "raw",
    from: { kind: "join", join, left: left.from, right: right.from, on },
    filters: [...left.filters, ...right.filters],
    columns: [...left.columns, ...right.columns],
  };
}

/** Null-extension of a public lookup depends on the left row's key alone; of protected rows it is a condition on them. */
function checkOuter(scope: ColumnScope, right: RawRelation): void {
  const isPublic = right.from?.kind === "table" && scope.tables[right.from.table]?.subjectKey === undefined;
  const plain = right.columns.every((column) => column.kind === "column");
  if (!isPublic || right.filters.length > 0 || !plain) {
    refuse("join_form_refused", { construct: "LEFT JOIN of protected rows", suggestion: "Use an inner join" });
  }
}

/** A FROM list whose join conditions stand in WHERE: takes the equalities between tables out of the filters. */
export function connectFilters(scope: ColumnScope, raw: RawRelation): RawRelation {
  const from = raw.from;
  if (!from || isConnected(from)) return raw;
  const pairs: JoinPair[] = [];
  const filters = raw.filters.flatMap(splitAnd).filter((filter) => {
    if (!isJoinEquality(filter)) return true;
    pairs.push(readPair(scope, filter.children[0], filter.children[1]));
    return false;
  });
  const connected = connect(from, pairs);
  if (!isConnected(connected)) {
    return refuse("join_form_refused", {
      construct: "CROSS JOIN",
      suggestion: "Join every table with an equality that the agreement allows",
    });
  }
  return { ...raw, from: connected, filters };
}

function splitAnd(filter: Expression): Expression[] {
  return filter.kind === "and" ? filter.children.flatMap(splitAnd) : [filter];
}

function isJoinEquality(filter: Expression): filter is Extract<Expression, { kind: "compare" }> {
  if (filter.kind !== "compare" || filter.operator !== "=") return false;
  const [left, right] = filter.children.map(withoutIdleCasts);
  return left?.kind === "column" && right?.kind === "column" && left.table !== right.table;
}

function isConnected(from: From): boolean {
  return from.kind === "table" || (from.on.length > 0 && isConnected(from.left) && isConnected(from.right));
}

/** Hands every pair to the lowest join that has one of its columns on each side. */
function connect(from: From, pairs: readonly JoinPair[]): From {
  if (from.kind === "table") return from;
  const left = new Set(tablesOf(from.left));
  const right = new Set(tablesOf(from.right));
  const mine = pairs.flatMap((pair): [ColumnExpression, ColumnExpression][] => {
    if (left.has(pair.left.table) && right.has(pair.right.table)) return [[pair.left, pair.right]];
    return left.has(pair.right.table) && right.has(pair.left.table) ? [[pair.right, pair.left]] : [];
  });
  if (from.join === "left" && mine.length > 0) return refuse("join_form_refused");
  return { ...from, on: [...from.on, ...mine], left: connect(from.left, pairs), right: connect(from.right, pairs) };
}

/** Protected references whose subject keys the joins make equal form one class; k holds for each class. */
export function subjectClasses(tables: readonly TableReference[], from: From): SubjectClass[] {
  const present = tablesOf(from).filter((table) => tables[table]?.subjectKey !== undefined);
  const classes = present.map((table) => new Set([table]));
  for (const [left, right] of equalities(from)) {
    const isKey = (column: ColumnExpression): boolean => tables[column.table]?.subjectKey === column.name;
    if (!isKey(left) || !isKey(right)) continue;
    const a = classes.findIndex((one) => one.has(left.table));
    const b = classes.findIndex((one) => one.has(right.table));
    if (a < 0 || b < 0 || a === b) continue;
    for (const table of classes[b]!) classes[a]!.add(table);
    classes.splice(b, 1);
  }
  return classes.map((one) => {
    const members = [...one].toSorted((a, b) => a - b);
    const name = tables[members[0]!]!.subjectKey!;
    return { column: { kind: "column", table: members[0]!, name, type: "UINTEGER" }, tables: members };
  });
}

function equalities(from: From): [ColumnExpression, ColumnExpression][] {
  if (from.kind === "table") return [];
  const here = from.join === "inner" ? from.on : [];
  return [...here, ...equalities(from.left), ...equalities(from.right)];
}
