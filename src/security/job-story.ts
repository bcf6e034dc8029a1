import type { Selectable } from "kysely";
import type { Finding, FindingFamily, StatementEvidence, Verdict } from "#contract/egress.ts";
import { type ReasonCode, TERMINAL_STATES } from "#contract/job.ts";
import type { JobReport } from "#contract/runner.ts";
import type { SecurityEventDetails, SupervisorEvent } from "#contract/security.ts";
import type { JobRow, Transaction } from "#persistence/index.ts";
import type { EventDraft, EventOf, EventPlace } from "./event-draft.ts";

type Job = Selectable<JobRow>;

export interface ReportedJob {
  /** The job as it is after its end. */
  job: Job;
  /** Whether its start was written before, when it began. */
  startKnown: boolean;
  verdict: Verdict;
  report: JobReport;
}

/** Stands for the text of a statement that may hold a value which the script was given. */
export const WITHHELD = "(written after the script was given rows; kept with the evidence of the job)";

/**
 * The story of a job that its runner reported: start, statements, what the supervisor saw, end. Complete also when
 * the runner reports no events of its own. Pure.
 */
export function jobStory({ job, startKnown, verdict, report }: ReportedJob): EventDraft[] {
  const endMs = (job.finished_at ?? job.submitted_at).getTime();
  const startMs = (job.started_at ?? job.submitted_at).getTime();
  const place = { ...placeOf(job), confinement: report.confinement };
  const time = (atMs: number) => Math.min(startMs + Math.round(atMs), endMs);
  const limit = derivedLimit(report);
  return [
    ...(startKnown ? [] : [startEvent(job, place)]),
    ...statementEvents(report, { place, time }),
    ...report.events.filter((seen) => seen.kind !== "statement.ran").map((seen) => seenEvent(seen, { place, time })),
    ...(limit ? [{ ...place, kind: "limit.hit" as const, atMs: endMs, text: limit, details: { limit } }] : []),
    endEvent(job, { place, verdict, report }),
  ];
}

/** Of a job that just began and runs long enough to be told of before its end. */
export function jobStart(job: Job): EventDraft {
  return startEvent(job, placeOf(job));
}

/** Of jobs that ended without a report: cancelled while they waited, runner or authority gone. Others are left out. */
export async function jobEnds(tx: Transaction, ids: readonly string[]): Promise<EventOf<"job.ended">[]> {
  if (ids.length === 0) return [];
  const jobs = await tx
    .selectFrom("jobs")
    .selectAll()
    .where("id", "in", [...ids])
    .execute();
  return jobs.filter(({ state }) => TERMINAL_STATES.includes(state)).map(jobEnd);
}

export function jobEnd(job: Job): EventOf<"job.ended"> {
  return endEvent(job, { place: placeOf(job), verdict: job.verdict });
}

function placeOf(job: Job): EventPlace {
  const { id, organisation, scenario, runner } = job;
  return { job: id, organisation, scenario, ...(runner === null ? {} : { runner }) };
}

function startEvent(job: Job, place: EventPlace): EventDraft {
  const title = job.title === null ? "" : `: ${job.title}`;
  return {
    ...place,
    kind: "job.started",
    atMs: (job.started_at ?? job.submitted_at).getTime(),
    text: `${job.image} by ${job.submitted_by}${title}`,
    details: { image: job.image, class: job.class, mode: job.mode },
  };
}

function endEvent(
  job: Job,
  { place, verdict, report }: { place: EventPlace; verdict: Verdict; report?: JobReport },
): EventOf<"job.ended"> {
  const state = job.state as "succeeded" | "failed" | "cancelled";
  const reason = job.reason_code === null ? {} : { reasonCode: job.reason_code };
  const ran = report && {
    statements: report.statements.length,
    label: report.label,
    wallMs: Math.round(report.stages["wall"] ?? 0),
    ...(report.eventsDropped === undefined ? {} : { eventsDropped: report.eventsDropped }),
  };
  return {
    ...place,
    kind: "job.ended",
    atMs: (job.finished_at ?? job.submitted_at).getTime(),
    text: [state, job.reason_code, verdict].filter((word) => word !== null).join(" "),
    details: { state, verdict, ...reason, ...ran },
    ...(state === "failed" ? { severity: "notice" as const } : {}),
  };
}

interface Telling {
  place: EventPlace;
  /** Milliseconds since the start → since 1970. */
  time: (atMs: number) => number;
}

/** INVARIANT: what a script wrote after it was given rows may hold their values, so its text is not told here. */
function statementEvents(report: JobReport, telling: Telling): EventDraft[] {
  const times = new Map<number, number>();
  for (const seen of report.events) if (seen.kind === "statement.ran") times.set(seen.details.statement, seen.atMs);
  const drafts: EventDraft[] = [];
  let sawRows = false;
  for (const evidence of report.statements) {
    const atMs = telling.time(times.get(evidence.statement) ?? 0);
    const base = { ...telling.place, atMs };
    drafts.push({ ...base, ...statementEvent(evidence, sawRows) });
    if (evidence.label !== "row_level" || sawRows) continue;
    sawRows = true;
    const text = `after statement ${evidence.statement}`;
    drafts.push({ ...base, kind: "label.raised", text, details: { statement: evidence.statement } });
  }
  return drafts;
}

function statementEvent(evidence: StatementEvidence, sawRows: boolean) {
  const { statement, label, findings, planDigest } = evidence;
  const rules = unique(findings.map(({ rule }) => rule));
  const refusals = findings.filter(({ effect }) => effect === "refuse" || effect === "block");
  if (refusals.length === 0) {
    const details = { statement, label, rules, ...(planDigest === undefined ? {} : { planDigest }) };
    return { kind: "statement.ran" as const, text: sawRows ? WITHHELD : evidence.sql, details };
  }
  const codes = unique(refusals.map(({ code }) => code));
  const basis = refusals.some(restsOnData) ? ("data" as const) : ("form" as const);
  const why = unique(refusals.map(({ message }) => message)).join("; ");
  const text = sawRows ? `${codes.join(", ")}: ${WITHHELD}` : `${why.slice(0, 500)}\n${evidence.sql}`;
  return { kind: "statement.refused" as const, text, details: { statement, basis, rules, codes } };
}

const DATA_FAMILIES: readonly FindingFamily[] = ["threshold", "dominance", "disclosure", "differencing", "sparsity"];

/** A refusal by form says nothing about the data; a blocked result does, and asking again is how one probes. */
function restsOnData({ effect, family }: Finding): boolean {
  return effect === "block" && DATA_FAMILIES.includes(family);
}

function seenEvent(seen: Exclude<SupervisorEvent, { kind: "statement.ran" }>, { place, time }: Telling): EventDraft {
  const { kind, details, text = "" } = seen;
  // the kinds and their details belong together by the schema that the report was checked against
  return { ...place, kind, atMs: time(seen.atMs), text, details, ...severityOfSeen(seen) } as EventDraft;
}

/** Ended because somebody did not want it any more: no sign of anything. */
function severityOfSeen(seen: SupervisorEvent): Pick<EventDraft, "severity"> {
  return seen.kind === "process.killed" && seen.details.by === "cancel" ? { severity: "info" } : {};
}

type Limit = SecurityEventDetails<"limit.hit">["limit"];

const LIMIT_OF: Partial<Record<ReasonCode, Limit>> = {
  timeout: "wall_time",
  memory_limit: "memory",
  output_too_large: "output",
  log_limit: "log",
  query_limit: "queries",
};

/** The limit that a job failed by, where its supervisor did not name it. */
function derivedLimit({ reasonCode, events }: JobReport): Limit | undefined {
  if (reasonCode === undefined || events.some(({ kind }) => kind === "limit.hit")) return undefined;
  return LIMIT_OF[reasonCode];
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
