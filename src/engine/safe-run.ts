import type { DuckDBConnection } from "@duckdb/node-api";
import type { EngineQuery } from "#contract/engine.ts";
import { encodeArrowStream, type EncodedTable } from "./arrow/index.ts";
import {
  cellsSql,
  countingOf,
  isMagnitude,
  readCells,
  releaseSql,
  runSplitTests,
  settleCells,
  type CellEvidence,
  type Evidence,
} from "./evidence/index.ts";
import type { OutputColumn, SafeQuery } from "./gate/index.ts";
import { reviewerCells, type ReviewerCells } from "./reviewer-cells.ts";
import { isClear, judgeCells, type Judgement } from "./rules/index.ts";

export interface SafeRun {
  judgement: Judgement;
  evidence: Evidence;
  reviewer: ReviewerCells;
  /** As computed, and as it may leave; the same object when nothing is suppressed. */
  computed: EncodedTable;
  released: EncodedTable;
  stages: { query: number; rules: number; encode: number };
}

export interface SafeJob {
  query: SafeQuery;
  columns: OutputColumn[];
  request: EngineQuery;
  maxGrade: string;
}

const TABLE = "temp.main.cells";

/** Runs a query of the safe form: cells with evidence once, then the rules, then the developer's steps over the cells. */
export async function runSafe(data: DuckDBConnection, job: SafeJob): Promise<SafeRun> {
  const { query, columns, request } = job;
  const started = performance.now();
  const enough = request.profile.minSubjects.value;
  const magnitudes = new Set(query.aggregates.flatMap((_, i) => (isMagnitude(query, i) ? [i] : [])));
  const counting = await countingOf(data, query, enough);
  await data.run(`CREATE OR REPLACE TEMP TABLE cells AS ${cellsSql(query, counting)}`);
  try {
    const cells = await readCells(data, query, { table: TABLE, atLeast: counting.kind !== "exact" });
    const isSettled = (cell: CellEvidence): boolean => isClear(cell, request.profile, magnitudes);
    await settleCells(data, { query, cells, table: TABLE, enough, isClear: isSettled });
    const splits = await runSplitTests(data, query, enough);
    const evidence: Evidence = { classes: query.subjects.length, cells, splits };
    const ran = performance.now();
    const judgement = judgeCells({ query, evidence, profile: request.profile, magnitudes, maxGrade: job.maxGrade });
    const judged = performance.now();
    const reviewer = await reviewerCells(data, { query, evidence, suppressed: judgement.suppressed, table: TABLE });
    const encode = async (suppressed: typeof judgement.suppressed): Promise<EncodedTable> =>
      encodeArrowStream(await data.stream(releaseSql(query, columns, { table: TABLE, suppressed })), request);
    const computed = await encode([]);
    const released = judgement.suppressed.length === 0 ? computed : await encode(judgement.suppressed);
    const stages = { query: ran - started, rules: judged - ran, encode: performance.now() - judged };
    return { judgement, evidence, reviewer, computed, released, stages };
  } finally {
    await data.run("DROP TABLE IF EXISTS temp.main.cells");
  }
}
