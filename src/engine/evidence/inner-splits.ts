import {
  columnsOf,
  leaveOut,
  mapExpression,
  type ColumnExpression,
  type Condition,
  type Expression,
  type From,
  type SafeQuery,
  type Source,
} from "../gate/index.ts";
import { fromSql, type Probe } from "./from-sql.ts";
import { columnSql, conditionSql, isAlways } from "./names.ts";
import type { SplitGroup } from "./split-sql.ts";

type Derived = Extract<From, { kind: "derived" }>;

/**
 * What leaving out one condition inside a derived relation would move: the rows that are in the answer with it and not
 * without it, or the reverse, or of which another amount is.
 */
export function innerGroups(query: SafeQuery): SplitGroup[] {
  const probes = probesOf(query.from).flatMap(({ probe, source }) => {
    if (source.kind === "mark") return markGroups(query, probe);
    return hasTotals(query, probe.table)
      ? [probe, { ...probe, side: "own" as const }].map(totalGroup(query))
      : [totalGroup(query)(probe)];
  });
  return [...probes, ...unowned(query)];
}

interface Asked {
  probe: Probe;
  source: Source;
}

/** Each condition of each derived relation left out once; of relations inside of others as the outer one shows it. */
function probesOf(from: From): Asked[] {
  return derivedOf(from).flatMap(({ table, source }) => {
    if (source.kind === "gap") return [];
    const own = leaveOut(source.where).map((other): Probe => ({ table, other, side: "either" }));
    const below = probesOf(source.from).map(({ probe, source: inner }): Probe => {
      const other = inner.kind === "mark" ? swapped(source.where, probe.table) : source.where;
      return { table, other, side: "either", inner: probe };
    });
    return [...own, ...below].map((probe) => ({ probe, source }));
  });
}

/** The condition with the mark as it would be otherwise. */
function swapped(condition: Condition, table: number): Condition {
  const [m, v] = [column(table, "m"), column(table, "v")];
  return replaced(condition, (one) => (isSame(one, m) ? v : undefined));
}

function derivedOf(from: From): Derived[] {
  if (from.kind === "join") return [...derivedOf(from.left), ...derivedOf(from.right)];
  return from.kind === "derived" ? [from] : [];
}

function markGroups(query: SafeQuery, probe: Probe): SplitGroup[] {
  const [m, v] = [column(probe.table, "m"), column(probe.table, "v")];
  const changes = { swap: (one: ColumnExpression) => (isSame(one, m) ? v : undefined), differs: differ(m, v) };
  const from = fromSql(query, probe);
  return differences(query, changes).map((where): SplitGroup => ({ kind: "atom", where, from }));
}

function totalGroup(query: SafeQuery): (probe: Probe) => SplitGroup {
  return (probe) => ({
    kind: "atom",
    where: `${isTrue(query.where)} AND t${probe.table}.x IS TRUE`,
    from: fromSql(query, probe),
  });
}

/** Whether amounts of the relation decide who is in the answer: then both answers are looked at. */
function hasTotals(query: SafeQuery, table: number): boolean {
  const conditions = [query.where, ...query.aggregates.map((one) => one.filter)];
  const read = conditions.flatMap(expressionsOf).flatMap(columnsOf);
  return read.some((one) => one.table === table && one.name.startsWith("a"));
}

const column = (table: number, name: string): ColumnExpression => ({ kind: "column", table, name, type: "BOOLEAN" });
const isSame = (a: ColumnExpression, b: ColumnExpression): boolean => a.table === b.table && a.name === b.name;
const differ = (a: ColumnExpression, b: ColumnExpression): string =>
  `(${columnSql(a)} IS TRUE) <> (${columnSql(b)} IS TRUE)`;

/**
 * NOT IN is unknown for everybody as soon as one row among the protected ones has no subject, and such a row is nobody's:
 * whoever it moves is too few.
 */
function unowned(query: SafeQuery): SplitGroup[] {
  const protectedOnes = derivedOf(query.from).filter(({ table }) => query.tables[table]!.unowned === true);
  if (protectedOnes.length === 0) return [];
  const isNull = (one: ColumnExpression): boolean =>
    (one.name === "g" || one.name === "f") && protectedOnes.some(({ table }) => table === one.table);
  const swap = (one: ColumnExpression): Expression | undefined =>
    isNull(one) ? { kind: "constant", type: "BOOLEAN", value: "false" } : undefined;
  const columns = protectedOnes.map(({ table, source }) => column(table, source.kind === "gap" ? "g" : "f"));
  const differs = columns.map((one) => `${columnSql(one)} IS TRUE`).join(" OR ");
  return differences(query, { swap, differs }).map((where) => ({ kind: "atom", where, unowned: true }));
}

interface Changes {
  /** What stands in a column's place in the other answer. */
  swap: (column: ColumnExpression) => Expression | undefined;
  /** Whether a row differs at all. */
  differs: string;
}

/** Conditions on rows, for each place in which the changed columns stand. */
function differences(query: SafeQuery, { swap, differs }: Changes): string[] {
  const uses = (expressions: readonly Expression[]): boolean =>
    expressions.flatMap(columnsOf).some((one) => swap(one) !== undefined);
  const changed = (condition: Condition): string => `(${isTrue(condition)} <> ${isTrue(replaced(condition, swap))})`;
  const inside = isTrue(query.where);
  const filters = query.aggregates.map((one) => one.filter).filter((filter) => !isAlways(filter));
  return [
    ...(uses(expressionsOf(query.where)) ? [changed(query.where)] : []),
    ...filters.filter((one) => uses(expressionsOf(one))).map((one) => `${inside} AND ${changed(one)}`),
    ...(uses(query.keys.map((key) => key.expression)) ? [`${inside} AND (${differs})`] : []),
  ];
}

const isTrue = (condition: Condition): string => `((${conditionSql(condition)}) IS TRUE)`;
const expressionsOf = (condition: Condition): Expression[] => condition.flat().map((atom) => atom.expression);

function replaced(condition: Condition, swap: Changes["swap"]): Condition {
  const inExpression = (expression: Expression): Expression =>
    mapExpression(expression, (part) => (part.kind === "column" ? swap(part) : undefined));
  return condition.map((atoms) => atoms.map((atom) => ({ ...atom, expression: inExpression(atom.expression) })));
}
