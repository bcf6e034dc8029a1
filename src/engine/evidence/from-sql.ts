import { postSql, quoteName, type Condition, type From, type SafeQuery, type Source } from "../gate/index.ts";
import { columnSql, conditionSql, guarded } from "./names.ts";
import { unitSql } from "./unit-sql.ts";

/**
 * What the split test asks of a derived relation: what would be otherwise if its conditions were `other`. A mark then has
 * a column `v` beside `m`; other relations have `x`: whether rows behind it are there under one condition alone. They are
 * made of the rows under either condition, or under their `own`.
 */
export interface Probe {
  table: number;
  other: Condition;
  side: "either" | "own";
  /** Of several branches the one that is asked about. */
  branch?: number;
  /** Instead of other conditions: what marks a row, SQL over the rows below. */
  flag?: string;
  /** The relation inside of this one that is asked about. */
  inner?: Probe;
}

/** SQL of FROM: references are t0, t1 …; derived relations are subqueries. */
export function fromSql(query: SafeQuery, probe?: Probe): string {
  return textOf({ query, probe }, query.from);
}

interface Text {
  query: SafeQuery;
  probe: Probe | undefined;
}

const WORDS = { inner: "INNER JOIN", left: "LEFT JOIN", matching: "LEFT JOIN", cross: "CROSS JOIN" } as const;

function textOf(text: Text, from: From): string {
  if (from.kind === "table") return `${quoteName(text.query.tables[from.table]!.product)} AS t${from.table}`;
  if (from.kind === "derived") return `(${sourceSql(text, from)}) AS t${from.table}`;
  const equals = from.join === "matching" ? "IS NOT DISTINCT FROM" : "=";
  const on = from.on.map(([left, right]) => `${columnSql(left)} ${equals} ${columnSql(right)}`).join(" AND ");
  const right = from.right.kind === "join" ? `(${textOf(text, from.right)})` : textOf(text, from.right);
  return `${textOf(text, from.left)} ${WORDS[from.join]} ${right}${on === "" ? "" : ` ON ${on}`}`;
}

function sourceSql({ query, probe }: Text, { table, source }: Extract<From, { kind: "derived" }>): string {
  const own = probe?.table === table ? probe : undefined;
  const below = { query, probe: own ? own.inner : probe };
  if (source.kind === "public") return postSql(source.post, [], query.tables[table]!.columns ?? []);
  if (source.kind === "rows") return rowsSql(below, source, own);
  const from = textOf(below, source.from);
  switch (source.kind) {
    case "mark":
      return markSql(source, from, own);
    case "gap":
      return `SELECT count(*) > count(${columnSql(source.key)}) AS g FROM ${from} WHERE ${conditionSql(source.where)}`;
    case "unit":
      return unitSql(source, { from, ...(own ? { split: splitOf(source.where, own) } : {}) });
  }
}

function rowsSql(text: Text, { branches }: Extract<Source, { kind: "rows" }>, probe: Probe | undefined): string {
  const parts = branches.map(({ from, where, columns }, b) => {
    const split = probe && (probe.branch ?? 0) === b ? splitOf(where, probe) : undefined;
    const named = columns.map((column, i) => `${guarded(column)} AS c${i}`);
    const flag = split ? [`(${split.differs}) AS x`] : probe ? ["FALSE AS x"] : [];
    return `SELECT ${[...named, ...flag].join(", ")} FROM ${textOf(text, from)} WHERE ${split?.kept ?? conditionSql(where)}`;
  });
  return parts.join(" UNION ALL ");
}

/** SQL of conditions on rows: under its own conditions, under the others, and whether they differ. */
function splitOf(where: Condition, probe: Probe): { kept: string; counts: string | undefined; differs: string } {
  const [own, other] = [holds(where), holds(probe.other)];
  const isBelow = probe.inner !== undefined && own === other;
  const differs = probe.flag ?? (isBelow ? `t${probe.inner!.table}.x IS TRUE` : `${own} <> ${other}`);
  return { kept: `(${own} OR ${other})`, counts: probe.side === "own" ? own : undefined, differs };
}

const holds = (condition: Condition): string => `((${conditionSql(condition)}) IS TRUE)`;

/** Subjects of another kind than the outer rows': one that fulfils the condition, or else one that could. */
function markSql(source: Extract<Source, { kind: "mark" }>, from: string, probe: Probe | undefined): string {
  const { keys, where, nulls, witness } = source;
  const own = holds(where);
  const needed = probe ? `(${own} OR ${holds(probe.other)})` : own;
  const filters = [...(witness ? [] : [needed]), ...(nulls ? [`${columnSql(keys[0]!)} IS NOT NULL`] : [])];
  const columns = [
    ...keys.map((key, i) => `${columnSql(key)} AS k${i}`),
    `bool_or(${own}) AS m`,
    "CAST(NULL AS BOOLEAN) AS f",
    ...(witness ? [`coalesce(min(${columnSql(witness)}) FILTER (${own}), min(${columnSql(witness)})) AS w`] : []),
    ...(probe ? [`bool_or(${holds(probe.other)}) AS v`] : []),
  ];
  const marks = `SELECT ${columns.join(", ")} FROM ${from} WHERE ${filters.join(" AND ") || "TRUE"} GROUP BY ${keys.map((_, i) => i + 1).join(", ")}`;
  if (!nulls) return marks;
  const some = `SELECT 1 FROM ${from} WHERE ${own} LIMIT 1`;
  return `${marks} UNION ALL BY NAME (SELECT NULL AS k0, TRUE AS f FROM (${some}))`;
}
