import type { AuditContext } from "#audit/index.ts";
import type { Verdict } from "#contract/egress.ts";
import type { JobReport } from "#contract/runner.ts";
import { findLeasedJob, finishJob, type JobEnd } from "#jobs/index.ts";
import type { ObjectStore } from "#persistence/index.ts";
import type { PolicyBundle } from "#policy/index.ts";
import { openEgress } from "./open.ts";

/** Stores the bytes of a report's outputs; durable when it resolves. A safe output's release bytes beside its computed ones. */
export async function storeOutputs(
  objects: ObjectStore,
  report: JobReport,
  parts: readonly Uint8Array[],
): Promise<JobEnd["stored"]> {
  const put = async (index: number) => {
    const part = parts[index];
    if (!part) throw new Error(`the report names part ${index}, which it does not have`);
    return objects.put(part);
  };
  return Promise.all(
    report.outputs.map(async ({ quarantine, release }) => {
      const computed = await put(quarantine);
      if (release === undefined) return { quarantine: computed, release: null };
      return { quarantine: computed, release: release === quarantine ? computed : await put(release) };
    }),
  );
}

export interface Completion {
  /** The job as it is after its end. */
  job: Awaited<ReturnType<typeof finishJob>>;
  state: JobReport["state"];
  verdict: Verdict;
  /** Whether the runner told of its start before. */
  startKnown: boolean;
}

/**
 * Ends a job with its runner's report and, when the job asked for it, opens and judges its egress, in one
 * transaction. A report for a lease that was taken away changes nothing and answers undefined.
 */
export async function completeJob(
  context: AuditContext,
  bundle: PolicyBundle,
  { lease, report, stored }: { lease: string } & JobEnd,
): Promise<Completion | undefined> {
  const leased = await findLeasedJob(context.tx, lease);
  if (!leased) return undefined;
  const job = await finishJob(context, leased, { report, stored });
  let { verdict } = job;
  if (verdict === "pending") {
    const { decision } = await openEgress(context, bundle, {
      job,
      facts: report.facts,
      applicant: job.submitted_by,
      productType: job.product_type,
      purpose: job.title ?? "",
      recipients: job.recipients,
    });
    verdict = decision.verdict;
  }
  return { job, state: report.state, verdict, startKnown: leased.started_at !== null };
}
