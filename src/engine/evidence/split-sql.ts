import type { Atom, Condition, SafeQuery } from "../gate/index.ts";
import { isOrdinal, sketchSql } from "./cells-sql.ts";
import { fromSql } from "./from-sql.ts";
import { innerGroups } from "./inner-splits.ts";
import { jointSets } from "./leave-out.ts";
import { columnSql, conditionSql, guarded, isAlways } from "./names.ts";

/** A group of rows whose subjects must be none or enough. */
export interface SplitGroup {
  aggregate?: number;
  kind: "atom" | "alternative" | "value";
  /** Condition on rows, without the query's own WHERE. */
  where: string;
  /** Where its rows come from, when that is not the query's own FROM. */
  from?: string;
  /** Subject classes that count; absent: all. */
  classes?: readonly number[];
  /** Its rows are moved by what is nobody's: they are too few, however many. */
  unowned?: true;
  /** For values of IN lists: what to group by; the smallest group counts. */
  by?: string;
}

/** Every group that leaving one condition, alternative or listed value away would add or remove. */
export function splitGroups(query: SafeQuery): SplitGroup[] {
  const where = groupsOf(query.where, "TRUE");
  const context = conditionSql(query.where);
  const seen = new Set<string>();
  const filters = query.aggregates.flatMap((one, aggregate) => {
    const text = conditionSql(one.filter);
    if (isAlways(one.filter) || seen.has(text)) return [];
    seen.add(text);
    return groupsOf(one.filter, context).map((group) => ({ ...group, aggregate }));
  });
  return [...where, ...filters, ...innerGroups(query)];
}

const isTrue = (sql: string): string => `((${sql}) IS TRUE)`;
const isNot = (sql: string): string => `((${sql}) IS NOT TRUE)`;

function groupsOf(condition: Condition, context: string): SplitGroup[] {
  return condition.flatMap((atoms, j) => {
    const others = condition.filter((_, i) => i !== j).map(alternativeSql);
    const outside = [isTrue(context), ...others.map(isNot)];
    const alone: SplitGroup[] =
      others.length === 0
        ? []
        : [{ kind: "alternative", where: [...outside, isTrue(alternativeSql(atoms))].join(" AND ") }];
    const single = atoms.flatMap((atom) => atomGroups(atom, atoms, outside));
    return [...alone, ...single, ...jointGroups(atoms, outside)];
  });
}

function alternativeSql(atoms: readonly Atom[]): string {
  return conditionSql([[...atoms]]);
}

function atomGroups(atom: Atom, atoms: readonly Atom[], outside: readonly string[]): SplitGroup[] {
  if (atom.constant || atom.implied) return [];
  const rest = atoms.filter((other) => other !== atom).map((other) => isTrue(guarded(other.expression)));
  const excluded = [...outside, ...rest, isNot(guarded(atom.expression))].join(" AND ");
  const groups: SplitGroup[] = [{ kind: "atom", where: excluded }];
  if (!atom.list) return groups;
  const probe = guarded(atom.list.probe);
  const included = [...outside, ...rest, isTrue(guarded(atom.expression))].join(" AND ");
  groups.push({
    kind: "value",
    where: `${atom.list.negated ? excluded : included} AND ${probe} IS NOT NULL`,
    by: probe,
  });
  return groups;
}

function jointGroups(atoms: readonly Atom[], outside: readonly string[]): SplitGroup[] {
  return jointSets(atoms).map((set) => {
    const rest = atoms.filter((atom) => !set.includes(atom)).map((atom) => isTrue(guarded(atom.expression)));
    const all = set.map((atom) => isTrue(guarded(atom.expression))).join(" AND ");
    return { kind: "atom", where: [...outside, ...rest, `NOT (${all})`].join(" AND ") };
  });
}

/** One row, over groups with the same rows: per group its rows and, per class, a lower bound of its subjects, over all rows or the first of them. */
export function splitBoundsSql(query: SafeQuery, groups: readonly SplitGroup[], first?: number): string {
  const columns = groups.flatMap((_, g) => [
    `count(*) FILTER (g${g}) AS rows_${g}`,
    ...query.subjects.map(({ column }, c) => `${boundSql(column.type, `s${c}`, `g${g}`)} AS bits_${g}_${c}`),
  ]);
  const inner = [
    ...groups.map((group, g) => `(${group.where}) AS g${g}`),
    ...query.subjects.map((subject, c) => `${columnSql(subject.column)} AS s${c}`),
  ];
  const limit = first === undefined ? "" : ` LIMIT ${first}`;
  return `SELECT ${columns.join(", ")} FROM (SELECT ${inner.join(", ")} FROM ${groups[0]?.from ?? fromSql(query)}${limit})`;
}

/**
 * The same of one group, over its first rows alone where so many are asked for: a large group ends the scan early, and of an empty
 * one only what its condition names is read.
 */
export function splitBoundSql(query: SafeQuery, group: SplitGroup, first?: number): string {
  const bounds = query.subjects.map(({ column }, c) => `${boundSql(column.type, `s${c}`, "TRUE")} AS bits_0_${c}`);
  const subjects = query.subjects.map((subject, c) => `${columnSql(subject.column)} AS s${c}`);
  const rows = `SELECT ${subjects.join(", ")} FROM ${group.from ?? fromSql(query)} WHERE ${group.where}`;
  const limit = first === undefined ? "" : ` LIMIT ${first}`;
  return `SELECT ${["count(*) AS rows_0", ...bounds].join(", ")} FROM (${rows}${limit})`;
}

/** A lower bound of the subjects of one class in the group, or of those of its smallest value. */
export function splitSmallestSql(query: SafeQuery, { group, c }: { group: SplitGroup; c: number }): string {
  const { column } = query.subjects[c]!;
  const n = boundSql(column.type, columnSql(column), "TRUE");
  return `SELECT min(n) AS n FROM (SELECT ${n} AS n FROM ${group.from ?? fromSql(query)} WHERE ${group.where}${byValue(group)})`;
}

/** Of an ordinal the native function tells it, of another key a bitmap of 63 places. */
function boundSql(type: string, s: string, filter: string): string {
  if (isOrdinal(type)) return `(sluice_count_${ROOM}(${s}) FILTER (${filter})).subjects`;
  const places = `bit_or(1::BIGINT << (hash(${s}) % 63)::INTEGER) FILTER (${filter} AND ${s} IS NOT NULL)`;
  return `bit_count(coalesce(${places}, 0))`;
}

/** Kept subjects do not matter here: the fewest that there are functions for. */
const ROOM = 16;

/** Subjects of one class in the group, or in each of its values, exactly and with their sketch: those with fewer than `most`. */
export function splitCountsSql(
  query: SafeQuery,
  { group, c, most }: { group: SplitGroup; c: number; most: number },
): string {
  const { column } = query.subjects[c]!;
  const value = group.by === undefined ? "" : `, ${group.by} AS value`;
  const subjects = `SELECT DISTINCT ${columnSql(column)} AS s${value} FROM ${group.from ?? fromSql(query)} WHERE ${group.where}`;
  const counted = `SELECT count(s) AS n, ${sketchSql(column.type, "s")} AS sketch FROM (${subjects})`;
  return `SELECT n, sketch FROM (${counted}${group.by === undefined ? "" : " GROUP BY value"}) WHERE n < ${most} ORDER BY n, sketch`;
}

function byValue(group: SplitGroup): string {
  return group.by === undefined ? "" : ` GROUP BY ${group.by}`;
}
