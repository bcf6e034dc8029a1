import type { AuditContext } from "#audit/index.ts";
import type { Verdict } from "#contract/egress.ts";
import type { JobReport } from "#contract/runner.ts";
import { findLeasedJob, finishJob, initialVerdict, type JobEnd } from "#jobs/index.ts";
import type { ObjectStore } from "#persistence/index.ts";
import type { PolicyBundle } from "#policy/index.ts";
import { judgeEgress, openJudged } from "./open.ts";
import type { ReleasableOutput } from "./release.ts";

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
  const application = {
    facts: report.facts,
    applicant: leased.submitted_by,
    productType: leased.product_type,
    purpose: leased.title ?? "",
    recipients: leased.recipients,
  };
  const asked = initialVerdict(leased, report) === "pending";
  const judged = asked ? await judgeEgress(context, bundle, { ...application, job: leased }) : undefined;
  const job = await finishJob(context, leased, { report, stored, verdict: judged?.decision.verdict });
  if (judged) await openJudged(context, { ...application, job }, { ...judged, outputs: outputsOf({ report, stored }) });
  return { job, state: report.state, verdict: job.verdict, startKnown: leased.started_at !== null };
}

function outputsOf({ report, stored }: JobEnd): ReleasableOutput[] {
  return report.outputs.map(({ descriptor }, position) => ({
    name: descriptor.name,
    descriptor,
    quarantine_object: stored[position]!.quarantine,
    release_object: stored[position]!.release,
  }));
}
