import type { DuckDBConnection } from "@duckdb/node-api";
import type { SafeQuery } from "../gate/index.ts";
import type { SplitTest } from "./evidence.ts";
import {
  splitBoundSql,
  splitBoundsSql,
  splitCountsSql,
  splitSmallestSql,
  splitGroups,
  type SplitGroup,
} from "./split-sql.ts";

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
  const tests: SplitTest[] = [];
  for (const from of new Set(groups.map((group) => group.from))) {
    const own = groups.filter((group) => group.from === from);
    tests.push(...(await testGroups(connection, query, { groups: own, most })));
  }
  return tests;
}

/** Groups whose rows come from the same place. */
async function testGroups(
  connection: DuckDBConnection,
  query: SafeQuery,
  { groups, most }: { groups: readonly SplitGroup[]; most: number },
): Promise<SplitTest[]> {
  const bounds = await groupBounds(connection, query, { groups, most });
  const tests: SplitTest[] = [];
  for (const [g, group] of groups.entries()) {
    const { rows, subjects: whole } = bounds[g]!;
    const test = { ...about(group), rows };
    const isNobodys = rows === 0 || group.unowned === true;
    if (isNobodys) tests.push({ ...test, subjects: 0, sketch: undefined });
    for (const c of isNobodys ? [] : classesOf(query, group)) {
      const lower = group.kind === "value" ? await smallest(connection, query, { group, c }) : whole[c]!;
      const few = lower >= most ? [] : await fewSubjects(connection, query, { group, c, most });
      tests.push(...few.map((own) => ({ ...test, ...own })));
      if (few.length === 0) tests.push({ ...test, subjects: Math.max(lower, most), sketch: undefined });
    }
  }
  return tests;
}

function classesOf(query: SafeQuery, group: SplitGroup): readonly number[] {
  return group.classes ?? query.subjects.map((_, c) => c);
}

interface GroupBound {
  /** Rows that were met. */
  rows: number;
  /** At least so many subjects, per class. */
  subjects: number[];
}

/** The first rows of a large table are enough where every group has enough subjects among them. */
const FIRST_ROWS = 10_000;

async function groupBounds(
  connection: DuckDBConnection,
  query: SafeQuery,
  { groups, most }: { groups: readonly SplitGroup[]; most: number },
): Promise<GroupBound[]> {
  const read = async (first?: number): Promise<GroupBound[]> => {
    const [only, ...more] = groups;
    const sql = only && more.length === 0 ? splitBoundSql(query, only, first) : splitBoundsSql(query, groups, first);
    const result = await connection.runAndReadAll(sql);
    const row = result.getRowObjects()[0] ?? {};
    return groups.map((_, g) => ({
      rows: Number(row[`rows_${g}`] ?? 0),
      subjects: query.subjects.map((_subject, c) => Number(row[`bits_${g}_${c}`] ?? 0)),
    }));
  };
  const first = await read(FIRST_ROWS);
  // of one group the first of its own rows are looked at: fewer are all that it has
  const isWhole = groups.length === 1 && first[0]!.rows < FIRST_ROWS;
  const isCertain = ({ rows, subjects }: GroupBound, g: number): boolean =>
    rows > 0 && (groups[g]!.kind === "value" || classesOf(query, groups[g]!).every((c) => subjects[c]! >= most));
  return isWhole || first.every(isCertain) ? first : read();
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
