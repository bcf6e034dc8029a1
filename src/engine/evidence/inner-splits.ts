import {
  branchesOf,
  columnsOf,
  mapExpression,
  type ColumnExpression,
  type Condition,
  type Expression,
  type From,
  type SafeQuery,
  type Source,
} from "../gate/index.ts";
import { fromSql, type Probe } from "./from-sql.ts";
import { leaveOut } from "./leave-out.ts";
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
  return [...probes, ...partners(query.from).flatMap((key) => partnerGroups(query, key)), ...unowned(query)];
}

interface Asked {
  probe: Probe;
  source: Source;
}

/**
 * Each condition of each derived relation left out once, each branch, and whether rows have partners; of relations inside
 * of others as the outer one shows it.
 */
function probesOf(from: From): Asked[] {
  return derivedOf(from).flatMap(({ table, source }) => {
    if (source.kind === "gap" || source.kind === "public") return [];
    const branches = branchesOf(source);
    return branches.flatMap((part, branch) => {
      const base = { table, side: "either", ...(branches.length > 1 ? { branch } : {}) } as const;
      const own = leaveOut(part.where).map((other): Probe => ({ ...base, other }));
      const below = probesOf(part.from).map(({ probe, source: inner }): Probe => {
        const other = inner.kind === "mark" ? swapped(part.where, probe.table) : part.where;
        return { ...base, other, inner: probe };
      });
      const flags = source.kind === "mark" ? [] : partners(part.from).flatMap(partnerFlags);
      const whole = branches.length > 1 ? ["TRUE"] : [];
      const flagged = [...flags, ...whole].map((flag): Probe => ({ ...base, other: part.where, flag }));
      return [...own, ...below, ...flagged].map((probe) => ({ probe, source }));
    });
  });
}

/** Of each LEFT JOIN of protected rows a column that is NULL where there is no partner. */
function partners(from: From): ColumnExpression[] {
  if (from.kind !== "join") return [];
  const isMark = from.right.kind === "derived" && from.right.source.kind === "mark";
  const own = from.join === "left" && !isMark ? [from.on[0]![1]] : [];
  return [...own, ...partners(from.left), ...partners(from.right)];
}

const partnerFlags = (key: ColumnExpression): string[] => [
  `${columnSql(key)} IS NULL`,
  `${columnSql(key)} IS NOT NULL`,
];

/** Those without a partner, and those with one; counted by who is there in either case. */
function partnerGroups(query: SafeQuery, key: ColumnExpression): SplitGroup[] {
  if (query.tables[key.table]!.subjectKey === undefined) return [];
  const classes = query.subjects.flatMap(({ column: own }, c) => (query.tables[own.table]!.nullable ? [] : [c]));
  return partnerFlags(key).map((flag) => ({ kind: "atom", where: `${isTrue(query.where)} AND ${flag}`, classes }));
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
