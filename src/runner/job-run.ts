import type { EgressFacts, Finding, Label, StatementEvidence } from "#contract/egress.ts";
import type { QueryAnswer } from "#contract/engine.ts";
import type { LogLine, ReasonCode } from "#contract/job.ts";
import type { JobReport, JobUsage } from "#contract/runner.ts";
import type { SupervisorEvent } from "#contract/security.ts";
import { highestGrade } from "#contract/common.ts";
import type { ProcessUsage } from "./confinement/index.ts";
import { noteEvent } from "./job-events.ts";

/** What happened in one job so far: the supervisor's own record, from which the report is made. */
export interface JobRun {
  label: Label;
  findings: Finding[];
  statements: StatementEvidence[];
  facts: EgressFacts[];
  log: LogLine[];
  outputs: JobReport["outputs"];
  parts: Uint8Array[];
  stages: Record<string, number>;
  startedMs: number;
  /** For security staff, in order. */
  events: SupervisorEvent[];
  eventsDropped: number;
  used: ProcessUsage;
  /** Whether it has the machine's processors to itself at this moment. */
  isAlone: () => boolean;
}

export interface JobEnd {
  state: JobReport["state"];
  reasonCode?: ReasonCode;
  /** Text of the script; it has the job's label. */
  reason?: string;
}

export function createJobRun(waitedMs: number, isAlone = (): boolean => false): JobRun {
  return {
    label: "safe",
    findings: [],
    statements: [],
    facts: [],
    log: [],
    outputs: [],
    parts: [],
    stages: { wait: waitedMs },
    startedMs: performance.now(),
    events: [],
    eventsDropped: 0,
    used: { cpuMs: 0, peakMemoryBytes: 0 },
    isAlone,
  };
}

/** Takes note of an answered query. INVARIANT: labels only rise. */
export function noteAnswer(run: JobRun, answer: QueryAnswer): void {
  if (answer.label === "row_level") run.label = "row_level";
  run.statements.push(answer.evidence);
  if (answer.ran) noteEvent(run, { kind: "statement.ran", details: { statement: answer.evidence.statement } });
  for (const [stage, ms] of Object.entries(answer.stages)) addStage(run, stage, ms);
}

/**
 * Takes note of a query whose result a rule blocks: the script does not get it, but learns that it was blocked.
 * INVARIANT: a block of one input is a block of the job; catching it changes nothing.
 */
export function noteBlocked(run: JobRun, answer: QueryAnswer): void {
  noteAnswer(run, { ...answer, label: "safe" });
  run.facts.push(answer.facts);
}

export function addStage(run: JobRun, stage: string, ms: number): void {
  run.stages[stage] = (run.stages[stage] ?? 0) + ms;
}

export interface RefusedStatement {
  statement: number;
  sql: string;
  findings: Finding[];
}

export function noteRefusal(run: JobRun, { statement, sql, findings }: RefusedStatement): void {
  run.statements.push({ statement, sql, label: "safe", findings, columns: [], cells: [], truncated: false });
}

/** Takes note of a statement whose engine ended before it answered. */
export function noteUnfinished(run: JobRun, { statement, sql }: Pick<RefusedStatement, "statement" | "sql">): void {
  noteRefusal(run, { statement, sql, findings: [] });
  run.statements.at(-1)!.unfinished = true;
}

/** Facts about the outputs of a job: the worst of what its inputs brought along. */
export function combineFacts(run: JobRun): EgressFacts {
  const all = run.facts;
  const union = (pick: (facts: EgressFacts) => string[]) => [...new Set(all.flatMap(pick))].toSorted();
  const transformedBy = union((facts) => facts.transformedBy ?? []);
  return {
    label: run.label,
    cells: all.reduce((sum, facts) => sum + facts.cells, 0),
    suppressedCells: all.reduce((sum, facts) => sum + facts.suppressedCells, 0),
    blockedBy: union((facts) => facts.blockedBy),
    reviewBy: union((facts) => facts.reviewBy),
    suppressedBy: union((facts) => facts.suppressedBy),
    ...(transformedBy.length > 0 ? { transformedBy } : {}),
    maxGrade: highestGrade(all.map((facts) => facts.maxGrade)),
    products: union((facts) => facts.products),
  };
}

/** INVARIANT: a row-level job has no releasable bytes, whatever the engine prepared. */
export function jobReport(run: JobRun, end: JobEnd, confinement: string): JobReport {
  run.stages["wall"] = performance.now() - run.startedMs;
  const outputs = end.state === "succeeded" ? run.outputs : [];
  return {
    kind: "job",
    ...end,
    label: run.label,
    findings: run.findings,
    facts: combineFacts(run),
    outputs: run.label === "safe" ? outputs : outputs.map(({ release: _release, ...output }) => output),
    statements: run.statements,
    log: run.log,
    events: run.events,
    ...(run.eventsDropped > 0 ? { eventsDropped: run.eventsDropped } : {}),
    stages: Object.fromEntries(Object.entries(run.stages).map(([stage, ms]) => [stage, Math.round(ms * 1000) / 1000])),
    usage: jobUsage(run),
    confinement,
  };
}

function jobUsage({ used, statements, outputs }: JobRun): JobUsage {
  return {
    cpuMs: Math.round(used.cpuMs),
    peakMemoryBytes: Math.round(used.peakMemoryBytes),
    statements: statements.length,
    rows: outputs.reduce((sum, { descriptor }) => sum + descriptor.rows, 0),
    bytes: outputs.reduce((sum, { descriptor }) => sum + descriptor.bytes, 0),
  };
}
