import type { DuckDBConnection } from "@duckdb/node-api";
import type { SafeQuery } from "../gate/index.ts";
import type { SplitTest } from "./evidence.ts";
import { splitBoundsSql, splitSmallestSql, splitGroups, type SplitGroup } from "./split-sql.ts";

/**
 * The split test (R19) over the whole statement. One scan bounds every group from below, one more each list of values;
 * only groups that may be small are counted exactly.
 */
export async function runSplitTests(
  connection: DuckDBConnection,
  query: SafeQuery,
  enough: number,
): Promise<SplitTest[]> {
  if (query.subjects.length === 0) return [];
  const groups = splitGroups(query);
  const tests: SplitTest[] = [];
  for (const from of new Set(groups.map((group) => group.from))) {
    const own = groups.filter((group) => group.from === from);
    tests.push(...(await testGroups(connection, query, { groups: own, enough })));
  }
  return tests;
}

/** Groups whose rows come from the same place. */
async function testGroups(
  connection: DuckDBConnection,
  query: SafeQuery,
  { groups, enough }: { groups: readonly SplitGroup[]; enough: number },
): Promise<SplitTest[]> {
  const bounds = (await connection.runAndReadAll(splitBoundsSql(query, groups))).getRowObjects()[0] ?? {};
  const tests: SplitTest[] = [];
  for (const [g, group] of groups.entries()) {
    const rows = Number(bounds[`rows_${g}`] ?? 0);
    const whole = Math.min(...classesOf(query, group).map((c) => Number(bounds[`bits_${g}_${c}`] ?? 0)));
    const isValue = group.kind === "value" && rows > 0;
    const lower = isValue ? await smallest(connection, query, { group, counted: "bound" }) : whole;
    const certain = rows === 0 || lower >= enough;
    const counted = certain ? lower : await smallest(connection, query, { group, counted: "exact" });
    tests.push({
      kind: group.kind,
      rows,
      subjects: group.unowned ? 0 : counted,
      ...(group.aggregate === undefined ? {} : { aggregate: group.aggregate }),
    });
  }
  return tests;
}

function classesOf(query: SafeQuery, group: SplitGroup): readonly number[] {
  return group.classes ?? query.subjects.map((_, c) => c);
}

/** Over all classes, and where the group is one of listed values over these, the fewest subjects. */
async function smallest(
  connection: DuckDBConnection,
  query: SafeQuery,
  which: { group: SplitGroup; counted: "bound" | "exact" },
): Promise<number> {
  const counts: number[] = [];
  for (const c of classesOf(query, which.group)) {
    const row = (await connection.runAndReadAll(splitSmallestSql(query, { ...which, c }))).getRowObjects()[0];
    counts.push(Number(row?.["n"] ?? 0));
  }
  return Math.min(...counts);
}
