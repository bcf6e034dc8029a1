import type { SafeQuery } from "../gate/index.ts";
import { groupBy, list, subjectSql } from "./cells-sql.ts";
import type { Counting } from "./counting.ts";
import type { CellEvidence, PairEvidence, QuantileEvidence } from "./evidence.ts";
import { fromSql } from "./from-sql.ts";
import { conditionSql, guarded, type Named } from "./names.ts";

/** What a statement about cells beside the main one is made from. */
export interface CellTable {
  query: SafeQuery;
  /** Table of cells. */
  table: string;
  /** How many subjects are enough. */
  enough: number;
  counting: Counting;
}

export interface StatisticsInput extends CellTable {
  /** Evidence of the same cells, to be added to. */
  cells: readonly CellEvidence[];
  /** Whether bounds leave no rule in doubt about a statistic of two measures. */
  isClearPair: (pair: PairEvidence) => boolean;
  /** Likewise about a quantile. */
  isClearQuantile: (quantile: QuantileEvidence) => boolean;
}

export interface CellRows {
  /** Table of cells, or another with their keys and ordinals. */
  table: string;
  /** Columns of it besides. */
  also?: readonly string[];
  /** Columns over rows of the query. */
  columns: readonly Named[];
}

/** The rows of a query with the ordinal of their cell, their subject of each class (s0, s1 …) and some columns. */
export function cellRowsSql(query: SafeQuery, { table, also = [], columns }: CellRows): string {
  const keys = query.keys.map((key, i): Named => [`k${i}`, guarded(key.expression)]);
  const subjects = query.subjects.map((_, c): Named => [`s${c}`, subjectSql(query, c)]);
  const rows = `SELECT ${list([...keys, ...subjects, ...columns])} FROM ${fromSql(query)} WHERE ${conditionSql(query.where)}`;
  const names = [...subjects, ...columns].map(([name]) => `r.${name}`);
  const on = keys.map(([key]) => `r.${key} IS NOT DISTINCT FROM c.${key}`).join(" AND ") || "TRUE";
  return `SELECT ${["c.cell", ...also.map((name) => `c.${name}`), ...names].join(", ")} FROM (${rows}) AS r JOIN ${table} AS c ON ${on}`;
}

/** Per cell: its keys, its ordinal, and aggregates over its rows. */
export function perCellSql(query: SafeQuery, { table, columns }: CellRows, aggregates: readonly Named[]): string {
  const keys = query.keys.map((key, i): Named => [`k${i}`, guarded(key.expression)]);
  const names = keys.map(([name]) => name);
  const rows = `SELECT ${list([...keys, ...columns])} FROM ${fromSql(query)} WHERE ${conditionSql(query.where)}`;
  const grouped = `SELECT ${list([...names.map((name): Named => [name, name]), ...aggregates])} FROM (${rows})${groupBy(names)}`;
  const on = names.map((key) => `v.${key} IS NOT DISTINCT FROM c.${key}`).join(" AND ") || "TRUE";
  return `SELECT c.cell, v.* FROM (${grouped}) AS v JOIN ${table} AS c ON ${on}`;
}
