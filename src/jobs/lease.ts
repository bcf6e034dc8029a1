import type { Selectable } from "kysely";
import { type AuditContext, recordLater } from "#audit/index.ts";
import type { ReasonCode } from "#contract/job.ts";
import { type Database, type JobRow, type Transaction, json } from "#persistence/index.ts";

type Job = Selectable<JobRow>;

/** No lease is given for longer: what ends later was given by a clock that went wrong, and nobody has prolonged it since. */
const LONGEST_LEASE_MS = 600_000;

/** A lost lease returns the job to the queue this often before it is given up. */
export const MAX_ATTEMPTS = 2;

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
  recordLater(context, {
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
  recordLater(context, {
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
  recordLater(context, {
    action: cancelled ? "job.cancelled" : "job.failed",
    subject: { kind: "job", id: job.id },
    outcome: cancelled ? "success" : "failure",
    detail: { reasonCode, runner: job.runner },
  });
}
