import type { DuckDBConnection } from "@duckdb/node-api";
import type { Condition, SafeQuery } from "../gate/index.ts";
import { groupBy, leading, list } from "./cells-sql.ts";
import type { GroupShares } from "./evidence.ts";
import { fromSql } from "./from-sql.ts";
import { columnSql, conditionSql, guarded, isAlways, type Named } from "./names.ts";

/** One condition that names sensitive values: WHERE itself, or a FILTER within it. */
interface Question {
  aggregates?: number[];
  holds: readonly Condition[];
}

/**
 * For each condition on a sensitive column: whom it holds for, among all for whom the rest of the conditions holds. One
 * more scan, only for statements that have such a condition.
 */
export async function readGroupShares(
  connection: DuckDBConnection,
  query: SafeQuery,
  table: string,
): Promise<GroupShares[]> {
  if (query.subjects.length === 0) return [];
  const questions = questionsOf(query);
  if (questions.length === 0) return [];
  const rows = (await connection.runAndReadAll(sharesSql(query, { questions, table }))).getRowObjects();
  const classes = [...query.subjects.keys()];
  return questions.map((question, q) => {
    const number = (row: Record<string, unknown>, what: string) => classes.map((c) => Number(row[`${what}${q}_${c}`]));
    const asked = rows.map((row) => ({ cell: row["cell"], holds: number(row, "holds"), all: number(row, "whole") }));
    return {
      ...(question.aggregates ? { aggregates: question.aggregates } : {}),
      sides: sidesOf(question.holds),
      cells: asked.flatMap(({ cell, ...shares }) => (cell === null ? [] : [{ cell: Number(cell), ...shares }])),
      empty: asked.filter(({ cell, all }) => cell === null && all.some((count) => count > 0)).length,
    };
  });
}

function questionsOf(query: SafeQuery): Question[] {
  const filters = new Map<string, Question & { aggregates: number[] }>();
  for (const [i, { filter }] of query.aggregates.entries()) {
    if (isAlways(filter) || !isSensitive(filter)) continue;
    const text = conditionSql(filter);
    const known = filters.get(text) ?? { aggregates: [], holds: [query.where, filter] };
    known.aggregates.push(i);
    filters.set(text, known);
  }
  return [...(isSensitive(query.where) ? [{ holds: [query.where] }] : []), ...filters.values()];
}

const isSensitive = (condition: Condition): boolean => condition.flat().some((atom) => atom.sensitive !== undefined);

/** Of the condition that is asked: a filter's own where there is one. */
function sidesOf(holds: readonly Condition[]): GroupShares["sides"] {
  return [
    ...new Set(
      holds
        .at(-1)!
        .flat()
        .flatMap((atom) => atom.sensitive ?? []),
    ),
  ];
}

const withoutSensitive = (condition: Condition): Condition =>
  condition.map((atoms) => atoms.filter((atom) => atom.sensitive === undefined));

const allOf = (conditions: readonly Condition[]): string =>
  conditions.map((condition) => `((${conditionSql(condition)}) IS TRUE)`).join(" AND ");

/** Per cell, or with no cell where nobody is left, the subjects that each question holds for and is asked about. */
function sharesSql(query: SafeQuery, { questions, table }: { questions: readonly Question[]; table: string }): string {
  const keys = query.keys.map((_, i) => `k${i}`);
  const inner: Named[] = [
    ...query.keys.map((key, i): Named => [`k${i}`, guarded(key.expression)]),
    ...query.subjects.map(({ column }, c): Named => [`s${c}`, columnSql(column)]),
    ...questions.flatMap(({ holds }, q): Named[] => [
      [`h${q}`, allOf(holds)],
      [`w${q}`, allOf(holds.map(withoutSensitive))],
    ]),
  ];
  const counts = questions.flatMap((_question, q) =>
    query.subjects.flatMap((_subject, c): Named[] => [
      [`holds${q}_${c}`, `count(DISTINCT s${c}) FILTER (h${q})`],
      [`whole${q}_${c}`, `count(DISTINCT s${c}) FILTER (w${q})`],
    ]),
  );
  const rows = `SELECT ${list(inner)} FROM ${fromSql(query)} WHERE ${allOf([withoutSensitive(query.where)])}`;
  const groups = `SELECT ${leading(keys)}${list(counts)} FROM (${rows})${groupBy(keys)}`;
  const on = keys.map((key) => `g.${key} IS NOT DISTINCT FROM c.${key}`).join(" AND ") || "TRUE";
  return `SELECT c.cell, g.* FROM (${groups}) AS g LEFT JOIN ${table} AS c ON ${on} ORDER BY c.cell`;
}
