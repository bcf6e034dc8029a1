import type { Selectable } from "kysely";
import { type AuditContext, recordLater } from "#audit/index.ts";
import { JOB_TRANSITIONS } from "#contract/job.ts";
import { AppError } from "#kernel/errors.ts";
import { type JobRow, json } from "#persistence/index.ts";
import { failJob } from "./lease.ts";

/**
 * Cancels a job. A waiting job ends at once; one that runs is asked to end and does so when its runner hears of
 * it. Throws `not_found`, or `invalid_transition` when it has ended.
 */
export async function cancelJob(context: AuditContext, id: string, organisation: string): Promise<void> {
  const job = await context.tx
    .selectFrom("jobs")
    .selectAll()
    .where("id", "=", id)
    .where("organisation", "=", organisation)
    .forUpdate()
    .executeTakeFirst();
  if (!job) throw new AppError("not_found");
  if (!JOB_TRANSITIONS["cancel"]!.from.includes(job.state))
    throw new AppError("invalid_transition", `the job is ${job.state}`);
  if (job.state === "queued" || job.state === "submitted") return failJob(context, job, "cancelled");
  await context.tx.updateTable("jobs").set({ cancel_requested: true }).where("id", "=", id).execute();
  recordLater(context, { action: "job.cancel_requested", subject: { kind: "job", id } });
}

export interface CancelledJobs {
  /** Waited, and have ended. */
  ended: Selectable<JobRow>[];
  /** Run, and are asked to end. */
  asked: string[];
}

/**
 * Cancels all jobs of a scenario or an organisation, whoever submitted them: a few statements for any number. One
 * that is being leased at this moment is waited for and asked to end.
 */
export async function cancelJobsOf(
  context: AuditContext,
  scope: { kind: "scenario" | "organisation"; id: string },
  detail: Record<string, unknown>,
): Promise<CancelledJobs> {
  const cancelled = {
    state: "cancelled" as const,
    reason_code: "cancelled" as const,
    verdict: "not_requested" as const,
  };
  const ended = await context.tx
    .updateTable("jobs")
    .set({ ...cancelled, findings: json([]), finished_at: new Date(context.clock.nowMs()) })
    .where(scope.kind, "=", scope.id)
    .where("state", "in", ["submitted", "queued"])
    .returningAll()
    .execute();
  // after the first: what was leased meanwhile is found here
  const asked = await context.tx
    .updateTable("jobs")
    .set({ cancel_requested: true })
    .where(scope.kind, "=", scope.id)
    .where("state", "in", ["leased", "running"])
    .where("cancel_requested", "=", false)
    .returning("id")
    .execute();
  for (const { id } of ended) recordLater(context, { action: "job.cancelled", subject: { kind: "job", id }, detail });
  for (const { id } of asked) {
    recordLater(context, { action: "job.cancel_requested", subject: { kind: "job", id }, detail });
  }
  return { ended, asked: asked.map(({ id }) => id) };
}
