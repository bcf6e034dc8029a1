import type { DuckDBConnection } from "@duckdb/node-api";
import type { EngineQuery } from "#contract/engine.ts";
import { encodeArrowStream, type LaidOutTable } from "./arrow/index.ts";
import type { CountedLeaves } from "./counted-leaves.ts";
import { magnitudesOf, releaseSql, type Evidence, type Rounding, type Suppression } from "./evidence/index.ts";
import { postSql, type OutputColumn, type SafeQuery, type SafeStatement } from "./gate/index.ts";
import { judgeLinked } from "./linked-leaves.ts";
import { reviewerCells, type ReviewerCells } from "./reviewer-cells.ts";
import {
  judgeCells,
  roundingRule,
  thresholdOf,
  withDependants,
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

/** Where statements run, and what is known of those before. */
export interface SafeSession {
  data: DuckDBConnection;
  counted: CountedLeaves;
}

interface Leaf {
  query: SafeQuery;
  table: string;
  evidence: Evidence;
  judgement: Judgement;
}

/** Runs a safe statement: each leaf's cells with evidence, then the rules, then the developer's steps over the cells. */
export async function runSafe({ data, counted }: SafeSession, job: SafeJob): Promise<SafeRun> {
  const started = performance.now();
  const { statement, request } = job;
  const leaves: Leaf[] = [];
  try {
    const times = { rules: 0 };
    for (const query of statement.leaves) leaves.push(await runLeaf({ query, counted, job, times }));
    const linked = await linkLeaves(data, leaves, { job, times, counted });
    const judged = performance.now();
    const suppressed = leaves.map(({ query }, i) => withDependants(query, linked.suppressed[i]!));
    const reviewer = reviewLeaves(leaves, { suppressed, open: linked.open });
    const rounded = roundingRule(statement, request.profile);
    const encode = async (shown: Shown): Promise<LaidOutTable> =>
      encodeArrowStream(await data.stream(statementSql(job, leaves, shown)), request);
    const computed = await encode({ hidden: leaves.map(() => []) });
    const isSame = rounded.length === 0 && suppressed.every((one) => one.length === 0);
    const { rounding } = request.profile;
    const released = isSame ? computed : await encode({ hidden: suppressed, rounding });
    return {
      outcomes: unique([...leaves.flatMap((leaf) => leaf.judgement.outcomes), ...linked.outcomes, ...rounded]),
      cells: sum(leaves, ({ evidence, query }) => evidence.cells.length * Math.max(shownOf(query), 1)),
      suppressed: {
        all: sum(suppressed.flat(), (one) => Math.max(one.aggregates.size, 1)),
        visible: sum(suppressed.flat(), (one) => (one.dropRow ? 0 : one.aggregates.size)),
      },
      reviewer,
      computed,
      released,
      stages: { query: judged - started - times.rules, rules: times.rules, encode: performance.now() - judged },
    };
  } finally {
    await counted.trim();
  }
}

const shownOf = (query: SafeQuery): number => query.aggregates.filter((one) => !one.isWitness).length;

const sum = <T>(items: readonly T[], size: (item: T) => number): number =>
  items.reduce((total, item) => total + size(item), 0);

/** R17: what the leaves give away of each other, and what a companion of them shows that they do. */
function linkLeaves(
  data: DuckDBConnection,
  leaves: readonly Leaf[],
  { job, times, counted }: Pick<LeafInput, "job" | "times" | "counted">,
): ReturnType<typeof judgeLinked> {
  return judgeLinked(data, {
    leaves: leaves.map(({ judgement, ...leaf }) => ({ ...leaf, suppressed: judgement.suppressed })),
    linked: job.statement.linked,
    profile: job.request.profile,
    runCompanion: async (query) => {
      const { judgement, ...leaf } = await runLeaf({ query, counted, job, times });
      return { ...leaf, suppressed: judgement.suppressed };
    },
  });
}

interface LeafInput {
  query: SafeQuery;
  counted: CountedLeaves;
  job: SafeJob;
  /** Milliseconds so far; added to. */
  times: { rules: number };
}

async function runLeaf({ query, counted, job, times }: LeafInput): Promise<Leaf> {
  const { profile, noiseKey } = job.request;
  const { table, evidence } = await counted.count(query, profile);
  const ran = performance.now();
  const isEnough = thresholdOf(profile, noiseKey);
  const magnitudes = magnitudesOf(query);
  const judgement = judgeCells({ query, evidence, profile, isEnough, magnitudes, maxGrade: job.maxGrade });
  times.rules += performance.now() - ran;
  return { query, table, evidence, judgement };
}

/** What of the leaves is shown, and how. */
interface Shown {
  hidden: readonly Suppression[][];
  rounding?: Rounding | undefined;
}

/** The statement over what of its leaves is not hidden. */
function statementSql(job: SafeJob, leaves: readonly Leaf[], { hidden, rounding }: Shown): string {
  const { statement, columns } = job;
  const { post } = statement;
  if (!post)
    return releaseSql(leaves[0]!.query, columns, { table: leaves[0]!.table, suppressed: hidden[0]!, rounding });
  const sources = leaves.map(({ query, table }, i) => {
    const own = query.outputs.map(({ type }, column): OutputColumn => ({ name: `c${column}`, type }));
    return releaseSql(query, own, { table, suppressed: hidden[i]!, rounding });
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
function reviewLeaves(
  leaves: readonly Leaf[],
  { suppressed, open }: Pick<Awaited<ReturnType<typeof judgeLinked>>, "suppressed" | "open">,
): ReviewerCells {
  const parts = leaves.map(({ query, evidence }, i) =>
    reviewerCells({ query, evidence, suppressed: suppressed[i]!, open: open[i]! }),
  );
  const [first, ...more] = parts;
  if (!first) throw new Error("a safe statement has no leaf");
  return {
    columns: first.columns,
    cells: [...first.cells, ...more.flatMap((part) => [part.columns, ...part.cells])],
    truncated: parts.some((part) => part.truncated),
  };
}
