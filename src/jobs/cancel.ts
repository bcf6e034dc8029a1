import { type AuditContext, record } from "#audit/index.ts";
import { JOB_TRANSITIONS } from "#contract/job.ts";
import { AppError } from "#kernel/errors.ts";
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
  await record(context, { action: "job.cancel_requested", subject: { kind: "job", id } });
}
