import type { DuckDBConnection } from "@duckdb/node-api";
import type { SafeQuery } from "../gate/index.ts";
import type { SplitTest } from "./evidence.ts";
import { splitBoundsSql, splitExactSql, splitGroups, type SplitGroup } from "./split-sql.ts";

/**
 * The split test (R19) over the whole statement. One scan bounds every group from below; only groups that may be
 * small are counted exactly. Values of IN lists are always counted.
 */
export async function runSplitTests(
  connection: DuckDBConnection,
  query: SafeQuery,
  enough: number,
): Promise<SplitTest[]> {
  if (query.subjects.length === 0) return [];
  const groups = splitGroups(query);
  if (groups.length === 0) return [];
  const bounds = (await connection.runAndReadAll(splitBoundsSql(query, groups))).getRowObjects()[0] ?? {};
  const tests: SplitTest[] = [];
  for (const [g, group] of groups.entries()) {
    const rows = Number(bounds[`rows_${g}`] ?? 0);
    const lower = Math.min(...query.subjects.map((_, c) => Number(bounds[`bits_${g}_${c}`] ?? 0)));
    const certain = rows === 0 || (group.kind !== "value" && lower >= enough);
    const subjects = certain ? lower : await exact(connection, query, group);
    tests.push({
      kind: group.kind,
      rows,
      subjects,
      ...(group.aggregate === undefined ? {} : { aggregate: group.aggregate }),
    });
  }
  return tests;
}

async function exact(connection: DuckDBConnection, query: SafeQuery, group: SplitGroup): Promise<number> {
  const counts: number[] = [];
  for (const c of query.subjects.keys()) {
    const row = (await connection.runAndReadAll(splitExactSql(query, group, c))).getRowObjects()[0];
    counts.push(Number(row?.["n"] ?? 0));
  }
  return Math.min(...counts);
}
