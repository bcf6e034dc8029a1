import type { DuckDBConnection } from "@duckdb/node-api";
import type { EngineQuery } from "#contract/engine.ts";
import type { EgressProfile } from "#contract/profile.ts";
import { encodeArrowStream, type LaidOutTable } from "./arrow/index.ts";
import {
  addStatistics,
  cellsSql,
  countingOf,
  isMagnitude,
  readCells,
  releaseSql,
  runSplitTests,
  settleCells,
  type CellEvidence,
  type Evidence,
  type StatisticsInput,
  type Suppression,
} from "./evidence/index.ts";
import { postSql, type OutputColumn, type SafeQuery, type SafeStatement } from "./gate/index.ts";
import { reviewerCells, type ReviewerCells } from "./reviewer-cells.ts";
import {
  isClear,
  isClearPair,
  isFar,
  judgeCells,
  linkedRule,
  type Judgement,
  type RuleOutcome,
} from "./rules/index.ts";

export interface SafeRun {
  outcomes: RuleOutcome[];
  /** Values before suppression. */
  cells: number;
  /** Hidden values: all of them, and those that show as NULL. */
  suppressed: { all: number; visible: number };
  reviewer: ReviewerCells;
  /** As computed, and as it may leave; the same object when nothing is suppressed. */
  computed: LaidOutTable;
  released: LaidOutTable;
  stages: { query: number; rules: number; encode: number };
}

export interface SafeJob {
  statement: SafeStatement;
  columns: OutputColumn[];
  request: EngineQuery;
  maxGrade: string;
}

interface Leaf {
  query: SafeQuery;
  table: string;
  evidence: Evidence;
  judgement: Judgement;
}

/** Runs a safe statement: each leaf's cells with evidence, then the rules, then the developer's steps over the cells. */
export async function runSafe(data: DuckDBConnection, job: SafeJob): Promise<SafeRun> {
  const started = performance.now();
  const { statement, request } = job;
  const leaves: Leaf[] = [];
  try {
    const times = { rules: 0 };
    for (const [i, query] of statement.leaves.entries()) {
      leaves.push(await runLeaf(data, { query, table: `temp.main.cells_${i}`, job, times }));
    }
    const judged = performance.now();
    const suppressed = leaves.map((leaf) => leaf.judgement.suppressed);
    const linked = linkedRule(
      statement,
      suppressed,
      leaves.map((leaf) => leaf.evidence.cells.length),
    );
    const reviewer = await reviewLeaves(data, leaves, suppressed);
    const encode = async (hidden: readonly Suppression[][]): Promise<LaidOutTable> =>
      encodeArrowStream(await data.stream(statementSql(job, leaves, hidden)), request);
    const computed = await encode(leaves.map(() => []));
    const released = suppressed.every((one) => one.length === 0) ? computed : await encode(suppressed);
    return {
      outcomes: [...unique(leaves.flatMap((leaf) => leaf.judgement.outcomes)), ...linked.outcomes],
      cells: sum(leaves, ({ evidence, query }) => evidence.cells.length * Math.max(query.aggregates.length, 1)),
      suppressed: {
        all: sum(leaves, (leaf) => leaf.judgement.suppressedValues) + linked.values,
        visible: sum(suppressed.flat(), (one) => (one.dropRow ? 0 : one.aggregates.size)),
      },
      reviewer,
      computed,
      released,
      stages: { query: judged - started - times.rules, rules: times.rules, encode: performance.now() - judged },
    };
  } finally {
    for (const i of statement.leaves.keys()) await data.run(`DROP TABLE IF EXISTS temp.main.cells_${i}`);
  }
}

const sum = <T>(items: readonly T[], size: (item: T) => number): number =>
  items.reduce((total, item) => total + size(item), 0);

interface LeafInput {
  query: SafeQuery;
  table: string;
  job: SafeJob;
  /** Milliseconds so far; added to. */
  times: { rules: number };
}

async function runLeaf(data: DuckDBConnection, { query, table, job, times }: LeafInput): Promise<Leaf> {
  const { profile } = job.request;
  const enough = profile.minSubjects.value;
  const magnitudes = new Set(query.aggregates.flatMap((_, i) => (isMagnitude(query, i) ? [i] : [])));
  const counting = await countingOf(data, query, enough);
  await data.run(`CREATE OR REPLACE TEMP TABLE ${table.split(".").at(-1)!} AS ${cellsSql(query, counting)}`);
  const cells = await readCells(data, query, { table, atLeast: counting.kind !== "exact" });
  const isSettled = (cell: CellEvidence): boolean => isClear(cell, profile, magnitudes);
  await settleCells(data, { query, cells, table, enough, isClear: isSettled });
  await addStatistics(data, { query, cells, table, enough, counting, ...clearness(profile) });
  const splits = await runSplitTests(data, query, enough);
  const evidence: Evidence = { classes: query.subjects.length, cells, splits };
  const ran = performance.now();
  const judgement = judgeCells({ query, evidence, profile, magnitudes, maxGrade: job.maxGrade });
  times.rules += performance.now() - ran;
  return { query, table, evidence, judgement };
}

/** When bounds leave the rules in no doubt. */
function clearness(profile: EgressProfile): Pick<StatisticsInput, "isClearPair" | "isClearQuantile"> {
  return {
    isClearPair: (pair) => isClearPair(pair, profile),
    isClearQuantile: (quantile) => isFar(quantile, profile),
  };
}

/** The statement over what of its leaves is not hidden. */
function statementSql(job: SafeJob, leaves: readonly Leaf[], hidden: readonly Suppression[][]): string {
  const { statement, columns } = job;
  const { post } = statement;
  if (!post) return releaseSql(leaves[0]!.query, columns, { table: leaves[0]!.table, suppressed: hidden[0]! });
  const sources = leaves.map(({ query, table }, i) => {
    const own = query.outputs.map(({ type }, column): OutputColumn => ({ name: `c${column}`, type }));
    return releaseSql(query, own, { table, suppressed: hidden[i]! });
  });
  return postSql(post, sources, columns);
}

/** What is said about several leaves is said once. */
function unique(outcomes: readonly RuleOutcome[]): RuleOutcome[] {
  const seen = new Set<string>();
  return outcomes.filter(({ rule, code }) => {
    const isNew = !seen.has(`${rule} ${code}`);
    seen.add(`${rule} ${code}`);
    return isNew;
  });
}

/** Evidence of all leaves below each other; each further one has a line with its column names in front. */
async function reviewLeaves(
  data: DuckDBConnection,
  leaves: readonly Leaf[],
  suppressed: readonly Suppression[][],
): Promise<ReviewerCells> {
  const parts: ReviewerCells[] = [];
  for (const [i, { query, evidence, table }] of leaves.entries()) {
    parts.push(await reviewerCells(data, { query, evidence, table, suppressed: suppressed[i]! }));
  }
  const [first, ...more] = parts;
  if (!first) throw new Error("a safe statement has no leaf");
  return {
    columns: first.columns,
    cells: [...first.cells, ...more.flatMap((part) => [part.columns, ...part.cells])],
    truncated: parts.some((part) => part.truncated),
  };
}
