import { type RawBuilder, type Selectable, sql } from "kysely";
import { type AuditContext, recordLater } from "#audit/index.ts";
import type { Finding, Verdict } from "#contract/egress.ts";
import type { JobReport } from "#contract/runner.ts";
import { type JobRow, json, withParts } from "#persistence/index.ts";
import { noteUse } from "#scheduling/index.ts";

type Job = Selectable<JobRow>;

/** Digests of an output's stored bytes. */
export interface StoredOutput {
  quarantine: string;
  release: string | null;
}

export interface JobEnd {
  report: JobReport;
  /** In the order of the report's outputs. */
  stored: StoredOutput[];
  /** What egress said, when the job asked for it. */
  verdict?: Verdict | undefined;
  /** What the developer is told: the report's unless the policies add something. */
  findings?: Finding[];
  /** Whether its owner may read its log, error text and what its outputs are called; not, unless it is said. */
  textVisible?: boolean;
  /** Writes that go with the end of the job as it is then, in the same statement. */
  also?: (job: Job) => readonly RawBuilder<unknown>[];
}

/**
 * Writes a runner's report, in one statement: the job's end, its statements with their evidence, log and outputs. The caller
 * holds the job's lock (`findLeasedJob`); a job ends exactly once because its lease ends with it.
 */
export async function finishJob(context: AuditContext, job: Job, end: JobEnd): Promise<Job> {
  const { scenario, organisation } = job;
  const finished = { ...job, ...endOf(context, job, end) };
  await sql`
    ${withParts([...partsOf(job.id, end), ...(end.also?.(finished) ?? [])])}
    update jobs set
      state = ${finished.state}, reason_code = ${finished.reason_code}, reason = ${finished.reason},
      label = ${finished.label}, verdict = ${finished.verdict}, findings = ${json(finished.findings)},
      text_visible = ${finished.text_visible}, facts = ${json(finished.facts)}, stages = ${json(finished.stages)},
      usage = ${json(finished.usage)}, confinement = ${finished.confinement}, lease = null, lease_expires_at = null,
      started_at = ${finished.started_at}, finished_at = ${finished.finished_at}
    where id = ${job.id}`.execute(context.tx);
  noteUse(context, { scenario, organisation, cpuMs: end.report.usage.cpuMs });
  recordEnd(context, job.id, end);
  return finished;
}

/** What the report changes of the job. */
function endOf({ clock }: AuditContext, job: Job, { report, ...end }: JobEnd) {
  const nowMs = clock.nowMs();
  return {
    state: report.state,
    reason_code: report.reasonCode ?? null,
    reason: report.reason ?? null,
    label: report.label,
    verdict: end.verdict ?? initialVerdict(job, report),
    findings: end.findings ?? report.findings,
    text_visible: end.textVisible === true,
    facts: report.facts,
    stages: report.stages,
    usage: report.usage,
    confinement: report.confinement,
    lease: null,
    lease_expires_at: null,
    started_at: job.started_at ?? new Date(nowMs - Math.round(report.stages["wall"] ?? 0)),
    finished_at: new Date(nowMs),
  };
}

/** A form that can never be released is blocked at once; otherwise the egress request decides. */
export function initialVerdict(job: Job, report: JobReport): Verdict {
  if (report.findings.some((finding) => finding.effect === "refuse" || finding.effect === "block")) return "block";
  if (report.state !== "succeeded" || job.mode === "validate" || !job.request_egress) return "not_requested";
  return "pending";
}

function partsOf(job: string, { report, stored }: JobEnd): RawBuilder<unknown>[] {
  const parts: RawBuilder<unknown>[] = [];
  if (report.statements.length > 0) {
    const rows = report.statements.map((evidence) => ({ statement: evidence.statement, evidence }));
    parts.push(sql`
      insert into job_statements (job, statement, evidence) select ${job}::text, r.statement, r.evidence
      from jsonb_to_recordset(${json(rows)}) as r(statement integer, evidence jsonb)`);
  }
  if (report.log.length > 0) {
    parts.push(sql`
      insert into job_log (job, seq, level, text) select ${job}::text, r.seq, r.level, r.text
      from jsonb_to_recordset(${json(report.log)}) as r(seq integer, level text, text text)`);
  }
  if (report.outputs.length > 0) {
    const rows = report.outputs.map(({ descriptor }, position) => {
      return { position, name: descriptor.name, descriptor, ...stored[position] };
    });
    parts.push(sql`
      insert into job_outputs (job, position, name, descriptor, quarantine_object, release_object)
      select ${job}::text, r.position, r.name, r.descriptor, r.quarantine, r.release
      from jsonb_to_recordset(${json(rows)}) as r(
        position integer, name text, descriptor jsonb, quarantine text, release text)`);
  }
  return parts;
}

function recordEnd(context: AuditContext, job: string, { report, stored }: JobEnd): void {
  recordLater(context, {
    action: `job.${report.state}`,
    subject: { kind: "job", id: job },
    outcome: report.state === "failed" ? "failure" : "success",
    detail: {
      label: report.label,
      confinement: report.confinement,
      statements: report.statements.map(({ statement, planDigest }) => ({ statement, planDigest: planDigest ?? null })),
      results: stored.map((output) => output.quarantine),
      rules: [...new Set(report.findings.map((finding) => finding.rule))].toSorted(),
      ...(report.reasonCode === undefined ? {} : { reasonCode: report.reasonCode }),
    },
  });
}
