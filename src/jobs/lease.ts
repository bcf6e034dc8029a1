import { type Selectable, sql } from "kysely";
import { type AuditContext, record } from "#audit/index.ts";
import type { ReasonCode } from "#contract/job.ts";
import { createId } from "#kernel/ids.ts";
import { type Database, type JobRow, type Transaction, json } from "#persistence/index.ts";

type Job = Selectable<JobRow>;

/** No lease is given for longer: what ends later was given by a clock that went wrong, and nobody has prolonged it since. */
const LONGEST_LEASE_MS = 600_000;

/** A lost lease returns the job to the queue this often before it is given up. */
export const MAX_ATTEMPTS = 2;

export interface ClaimOptions {
  runner: string;
  leaseMs: number;
  limit: number;
}

/**
 * Takes waiting jobs for a runner. Fair between organisations (fewest under way first), then interactive before
 * batch, then by age. Rows that another claimer holds are skipped.
 */
export async function claimJobs(context: AuditContext, options: ClaimOptions): Promise<Job[]> {
  const ids = await nextJobs(context.tx, options.limit);
  const jobs: Job[] = [];
  for (const id of ids) jobs.push(await leaseJob(context, id, options));
  return jobs;
}

async function nextJobs(tx: Transaction, limit: number): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from jobs j
    where state = 'queued'
    order by
      (select count(*) from jobs r where r.organisation = j.organisation and r.state in ('leased', 'running')),
      case class when 'interactive' then 0 else 1 end,
      submitted_at,
      id
    limit ${limit}
    for update of j skip locked`.execute(tx);
  return rows.map((row) => row.id);
}

async function leaseJob(context: AuditContext, id: string, { runner, leaseMs }: ClaimOptions): Promise<Job> {
  const nowMs = context.clock.nowMs();
  const lease = createId("lease", nowMs);
  const job = await context.tx
    .updateTable("jobs")
    .set(({ eb }) => ({
      state: "leased",
      lease,
      runner,
      lease_expires_at: new Date(nowMs + leaseMs),
      attempts: eb("attempts", "+", 1),
    }))
    .where("id", "=", id)
    .returningAll()
    .executeTakeFirstOrThrow();
  await record(context, {
    action: "job.leased",
    subject: { kind: "job", id },
    detail: { runner, lease, attempt: job.attempts },
  });
  return job;
}

/** The job of a lease that still holds, locked. A lease that was taken away finds nothing. */
export async function findLeasedJob(tx: Transaction, lease: string): Promise<Job | undefined> {
  return tx
    .selectFrom("jobs")
    .selectAll()
    .where("lease", "=", lease)
    .where("state", "in", ["leased", "running"])
    .forUpdate()
    .executeTakeFirst();
}

export async function startJob(context: AuditContext, lease: string): Promise<Job | undefined> {
  const job = await findLeasedJob(context.tx, lease);
  if (!job || job.state === "running") return undefined;
  const started = new Date(context.clock.nowMs());
  await context.tx
    .updateTable("jobs")
    .set({ state: "running", started_at: started })
    .where("id", "=", job.id)
    .execute();
  await record(context, {
    action: "job.started",
    subject: { kind: "job", id: job.id },
    detail: { lease },
  });
  return { ...job, state: "running", started_at: started };
}

/** Prolongs a lease. Answers whether the work is still wanted; undefined for a lease that no job has. Changes no state. */
export async function heartbeatJob(
  db: Database,
  lease: string,
  expiresAt: Date,
): Promise<{ cancel: boolean } | undefined> {
  const row = await db
    .updateTable("jobs")
    .set({ lease_expires_at: expiresAt })
    .where("lease", "=", lease)
    .where("state", "in", ["leased", "running"])
    .returning("cancel_requested")
    .executeTakeFirst();
  return row && { cancel: row.cancel_requested };
}

/**
 * Jobs whose runner fell silent go back to the queue, or end as `runner_lost` when they were tried often enough.
 * `lost` are both, as they were with their runner.
 */
export async function requeueLostJobs(
  context: AuditContext,
): Promise<{ requeued: string[]; failed: string[]; lost: Job[] }> {
  const now = new Date(context.clock.nowMs());
  const ahead = new Date(context.clock.nowMs() + LONGEST_LEASE_MS);
  const lost = await context.tx
    .selectFrom("jobs")
    .selectAll()
    .where("state", "in", ["leased", "running"])
    .where(({ or, eb }) => or([eb("lease_expires_at", "<", now), eb("lease_expires_at", ">", ahead)]))
    .forUpdate()
    .skipLocked()
    .execute();
  const requeued: string[] = [];
  const failed: string[] = [];
  for (const job of lost) {
    const giveUp = job.attempts >= MAX_ATTEMPTS || job.cancel_requested;
    await (giveUp
      ? failJob(context, job, job.cancel_requested ? "cancelled" : "runner_lost")
      : requeueJob(context, job));
    (giveUp ? failed : requeued).push(job.id);
  }
  return { requeued, failed, lost };
}

async function requeueJob(context: AuditContext, job: Job): Promise<void> {
  await context.tx
    .updateTable("jobs")
    .set({ state: "queued", lease: null, runner: null, lease_expires_at: null, started_at: null })
    .where("id", "=", job.id)
    .execute();
  await record(context, {
    action: "job.requeued",
    subject: { kind: "job", id: job.id },
    detail: { runner: job.runner, lease: job.lease },
  });
}

/** Ends a job without a report of its runner: the runner is gone, or the authority does not hold any more. */
export async function failJob(context: AuditContext, job: Job, reasonCode: ReasonCode): Promise<void> {
  const cancelled = reasonCode === "cancelled";
  await context.tx
    .updateTable("jobs")
    .set({
      state: cancelled ? "cancelled" : "failed",
      reason_code: reasonCode,
      verdict: "not_requested",
      findings: json([]),
      lease: null,
      lease_expires_at: null,
      finished_at: new Date(context.clock.nowMs()),
    })
    .where("id", "=", job.id)
    .execute();
  await record(context, {
    action: cancelled ? "job.cancelled" : "job.failed",
    subject: { kind: "job", id: job.id },
    outcome: cancelled ? "success" : "failure",
    detail: { reasonCode, runner: job.runner },
  });
}
