import type { Selectable } from "kysely";
import { type AuditContext, recordLater } from "#audit/index.ts";
import type { Verdict } from "#contract/egress.ts";
import type { JobReport } from "#contract/runner.ts";
import { type JobRow, json } from "#persistence/index.ts";
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
}

/**
 * Writes a runner's report: the job's end, its statements with their evidence, log and outputs. The caller holds
 * the job's lock (`findLeasedJob`); a job ends exactly once because its lease ends with it.
 */
export async function finishJob(context: AuditContext, job: Job, end: JobEnd): Promise<Job> {
  const { report } = end;
  const verdict = end.verdict ?? initialVerdict(job, report);
  const finished = await context.tx
    .updateTable("jobs")
    .set({
      state: report.state,
      reason_code: report.reasonCode ?? null,
      reason: report.reason ?? null,
      label: report.label,
      verdict,
      findings: json(report.findings),
      facts: json(report.facts),
      stages: json(report.stages),
      usage: json(report.usage),
      confinement: report.confinement,
      lease: null,
      lease_expires_at: null,
      started_at: job.started_at ?? new Date(context.clock.nowMs() - Math.round(report.stages["wall"] ?? 0)),
      finished_at: new Date(context.clock.nowMs()),
    })
    .where("id", "=", job.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  await insertParts(context, job.id, end);
  const { scenario, organisation } = job;
  noteUse(context, { scenario, organisation, cpuMs: report.usage.cpuMs });
  await recordEnd(context, job.id, end);
  return finished;
}

/** A form that can never be released is blocked at once; otherwise the egress request decides. */
export function initialVerdict(job: Job, report: JobReport): Verdict {
  if (report.findings.some((finding) => finding.effect === "refuse" || finding.effect === "block")) return "block";
  if (report.state !== "succeeded" || job.mode === "validate" || !job.request_egress) return "not_requested";
  return "pending";
}

async function insertParts({ tx }: AuditContext, job: string, { report, stored }: JobEnd): Promise<void> {
  if (report.statements.length > 0) {
    const rows = report.statements.map((evidence) => ({
      job,
      statement: evidence.statement,
      evidence: json(evidence),
    }));
    await tx.insertInto("job_statements").values(rows).execute();
  }
  if (report.log.length > 0) {
    await tx
      .insertInto("job_log")
      .values(report.log.map((line) => ({ job, ...line })))
      .execute();
  }
  if (report.outputs.length > 0) {
    const rows = report.outputs.map(({ descriptor }, position) => ({
      job,
      position,
      name: descriptor.name,
      descriptor: json(descriptor),
      quarantine_object: stored[position]!.quarantine,
      release_object: stored[position]!.release,
    }));
    await tx.insertInto("job_outputs").values(rows).execute();
  }
}

async function recordEnd(context: AuditContext, job: string, { report, stored }: JobEnd): Promise<void> {
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
