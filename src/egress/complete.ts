import type { AuditContext } from "#audit/index.ts";
import type { Verdict } from "#contract/egress.ts";
import type { JobReport } from "#contract/runner.ts";
import { findLeasedJob, finishJob, type JobEnd } from "#jobs/index.ts";
import type { ObjectStore } from "#persistence/index.ts";
import { decideEgress, type EgressDecision, type PolicyBundle } from "#policy/index.ts";
import { egressAuthority, openEgress } from "./open.ts";

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
  const { decision, verdict } = await judge(context, bundle, job);
  // set with the job's end, so that nobody reads in between
  if (isVisible(job, decision))
    await context.tx.updateTable("jobs").set({ text_visible: true }).where("id", "=", job.id).execute();
  return { job, state: report.state, verdict, startKnown: leased.started_at !== null };
}

/** The policies' answer, also where no release is asked for. A request is opened only where one is. */
async function judge(
  context: AuditContext,
  bundle: PolicyBundle,
  job: FinishedJob,
): Promise<{ decision?: EgressDecision; verdict: Verdict }> {
  const { facts, scenario, organisation, product_type: productType, recipients, verdict } = job;
  if (facts === null) return { verdict };
  if (verdict === "pending") {
    const application = { job, facts, applicant: job.submitted_by, productType, purpose: job.title ?? "", recipients };
    const { decision } = await openEgress(context, bundle, application);
    return { decision, verdict: decision.verdict };
  }
  if (!needsAnswer(job)) return { verdict };
  const question = { scenario, organisation, productType, recipients, products: facts.products };
  const { authority } = await egressAuthority(context, bundle, question);
  return { decision: decideEgress(bundle, { request: job.id, facts, authority }), verdict };
}

type FinishedJob = Awaited<ReturnType<typeof finishJob>>;

/** A script that was given nothing has nothing to tell. */
function wasGivenNothing({ facts, label }: FinishedJob): boolean {
  return label === "safe" && facts !== null && facts.products.length === 0 && facts.cells === 0;
}

function needsAnswer(job: FinishedJob): boolean {
  return job.label === "safe" && !wasGivenNothing(job);
}

/**
 * INVARIANT: log, error text and the names, columns and sizes of outputs are outputs too: their owner reads them where
 * the results that they may quote would leave by themselves, and nowhere else.
 */
function isVisible(job: FinishedJob, decision: EgressDecision | undefined): boolean {
  if (job.label !== "safe") return false;
  return wasGivenNothing(job) || decision?.verdict === "release" || decision?.verdict === "release_transformed";
}
