import type { Atom, Condition, SafeQuery } from "../gate/index.ts";
import { fromSql } from "./from-sql.ts";
import { innerGroups } from "./inner-splits.ts";
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
    return [...alone, ...atoms.flatMap((atom) => atomGroups(atom, atoms, outside))];
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

/** One row, over groups with the same rows: per group its rows and, per class, a lower bound of its subjects by a bitmap of 63 places. */
export function splitBoundsSql(query: SafeQuery, groups: readonly SplitGroup[]): string {
  const columns = groups.flatMap((_, g) => [
    `count(*) FILTER (g${g}) AS rows_${g}`,
    ...query.subjects.map(
      (_subject, c) =>
        `bit_count(coalesce(bit_or(1::BIGINT << (hash(s${c}) % 63)::INTEGER) FILTER (g${g} AND s${c} IS NOT NULL), 0)) AS bits_${g}_${c}`,
    ),
  ]);
  const inner = [
    ...groups.map((group, g) => `(${group.where}) AS g${g}`),
    ...query.subjects.map((subject, c) => `${columnSql(subject.column)} AS s${c}`),
  ];
  return `SELECT ${columns.join(", ")} FROM (SELECT ${inner.join(", ")} FROM ${groups[0]?.from ?? fromSql(query)})`;
}

/** Smallest number of subjects in the group for one class, exactly or at least. */
export function splitSmallestSql(
  query: SafeQuery,
  { group, c, counted }: { group: SplitGroup; c: number; counted: "bound" | "exact" },
): string {
  const subject = columnSql(query.subjects[c]!.column);
  const by = group.by === undefined ? "" : ` GROUP BY ${group.by}`;
  const n =
    counted === "exact"
      ? `count(DISTINCT ${subject})`
      : `bit_count(coalesce(bit_or(1::BIGINT << (hash(${subject}) % 63)::INTEGER) FILTER (${subject} IS NOT NULL), 0))`;
  return `SELECT min(n) AS n FROM (SELECT ${n} AS n FROM ${group.from ?? fromSql(query)} WHERE ${group.where}${by})`;
}
