import type { DuckDBConnection } from "@duckdb/node-api";
import type { SafeQuery } from "../gate/index.ts";
import type { SplitTest } from "./evidence.ts";
import { splitBoundsSql, splitCountsSql, splitSmallestSql, splitGroups, type SplitGroup } from "./split-sql.ts";

/**
 * The split test (R19) over the whole statement. One scan bounds every group from below, one more each list of values;
 * only groups that may have fewer than `most` subjects are counted exactly.
 */
export async function runSplitTests(
  connection: DuckDBConnection,
  query: SafeQuery,
  most: number,
): Promise<SplitTest[]> {
  if (query.subjects.length === 0) return [];
  const groups = splitGroups(query);
  if (groups.length === 0) return [];
  const bounds = (await connection.runAndReadAll(splitBoundsSql(query, groups))).getRowObjects()[0] ?? {};
  const tests: SplitTest[] = [];
  for (const [g, group] of groups.entries()) {
    const rows = Number(bounds[`rows_${g}`] ?? 0);
    const whole = query.subjects.map((_, c) => Number(bounds[`bits_${g}_${c}`] ?? 0));
    const test = { ...about(group), rows };
    if (rows === 0) tests.push({ ...test, subjects: 0, sketch: undefined });
    for (const c of rows === 0 ? [] : query.subjects.keys()) {
      const lower = group.kind === "value" ? await smallest(connection, query, { group, c }) : whole[c]!;
      const few = lower >= most ? [] : await fewSubjects(connection, query, { group, c, most });
      tests.push(...few.map((own) => ({ ...test, ...own })));
      if (few.length === 0) tests.push({ ...test, subjects: Math.max(lower, most), sketch: undefined });
    }
  }
  return tests;
}

function about({ kind, aggregate }: SplitGroup): Pick<SplitTest, "kind" | "aggregate"> {
  return { kind, ...(aggregate === undefined ? {} : { aggregate }) };
}

interface Which {
  group: SplitGroup;
  c: number;
}

/** Of a list's values, at least so many subjects have the one with fewest. */
async function smallest(connection: DuckDBConnection, query: SafeQuery, which: Which): Promise<number> {
  const [row] = (await connection.runAndReadAll(splitSmallestSql(query, which))).getRows();
  return Number(row?.[0] ?? 0);
}

/** The group, or those of its values, that have fewer than `most` subjects, by counting. */
async function fewSubjects(
  connection: DuckDBConnection,
  query: SafeQuery,
  which: Which & { most: number },
): Promise<Pick<SplitTest, "subjects" | "sketch">[]> {
  const rows = (await connection.runAndReadAll(splitCountsSql(query, which))).getRows();
  return rows.map(([subjects, sketch]) => ({
    subjects: Number(subjects),
    sketch: typeof sketch === "bigint" ? sketch : undefined,
  }));
}
