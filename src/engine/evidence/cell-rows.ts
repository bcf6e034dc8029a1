import type { SafeQuery } from "../gate/index.ts";
import { list, subjectSql } from "./cells-sql.ts";
import type { Counting } from "./counting.ts";
import type { CellEvidence, PairEvidence } from "./evidence.ts";
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
}

export interface CellRows {
  /** Table of cells. */
  table: string;
  /** Columns over rows of the query. */
  columns: readonly Named[];
}

/** The rows of a query with the ordinal of their cell, their subject of each class (s0, s1 …) and some columns. */
export function cellRowsSql(query: SafeQuery, { table, columns }: CellRows): string {
  const keys = query.keys.map((key, i): Named => [`k${i}`, guarded(key.expression)]);
  const subjects = query.subjects.map((_, c): Named => [`s${c}`, subjectSql(query, c)]);
  const rows = (first: readonly Named[]): string =>
    `SELECT ${list([...first, ...subjects, ...columns])} FROM ${fromSql(query)} WHERE ${conditionSql(query.where)}`;
  if (keys.length === 0) return rows([["cell", "0::BIGINT"]]);
  const on = keys.map(([key]) => `r.${key} IS NOT DISTINCT FROM c.${key}`).join(" AND ");
  return `SELECT c.cell, r.* EXCLUDE (${keys.map(([key]) => key).join(", ")}) FROM (${rows(keys)}) AS r JOIN ${table} AS c ON ${on}`;
}
