import type { AuditContext } from "#audit/index.ts";
import type { Verdict } from "#contract/egress.ts";
import type { JobReport } from "#contract/runner.ts";
import { AppError } from "#kernel/errors.ts";
import { findLeasedJob, finishJob, initialVerdict, type JobEnd } from "#jobs/index.ts";
import type { ObjectStore } from "#persistence/index.ts";
import { decideEgress, type EgressDecision, type PolicyBundle } from "#policy/index.ts";
import { allFindings, egressAuthority, type EgressRequest, judgeEgress, openJudged, requestOf } from "./open.ts";
import type { ReleasableOutput } from "./release.ts";

/** Stores the bytes of a report's outputs; durable when it resolves. A safe output's release bytes beside its computed ones. */
export async function storeOutputs(
  objects: ObjectStore,
  report: JobReport,
  parts: readonly Uint8Array[],
): Promise<JobEnd["stored"]> {
  const put = async (index: number) => {
    const part = parts[index];
    if (!part) throw new AppError("frame_invalid", `the report names part ${index}, which it does not have`);
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
  const decision = judged?.decision ?? (await answerUnasked(context, bundle, { job: leased, report }));
  let request: EgressRequest | undefined;
  const job = await finishJob(context, leased, {
    report,
    stored,
    verdict: judged?.decision.verdict,
    findings: judged ? allFindings(report.findings, judged.decision) : report.findings,
    textVisible: isVisible(report, decision),
    also: (ended) => {
      request = judged && requestOf(context, { ...application, job: ended }, judged);
      return request ? [request.statement] : [];
    },
  });
  if (judged && request) {
    const { row } = request;
    await openJudged(context, { ...application, job }, { ...judged, row, outputs: outputsOf({ report, stored }) });
  }
  return { job, state: report.state, verdict: job.verdict, startKnown: leased.started_at !== null };
}

function outputsOf({ report, stored }: Pick<JobEnd, "report" | "stored">): ReleasableOutput[] {
  return report.outputs.map(({ descriptor }, position) => ({
    name: descriptor.name,
    descriptor,
    quarantine_object: stored[position]!.quarantine,
    release_object: stored[position]!.release,
  }));
}

/** The policies' answer also where no release is asked for, when what the job tells depends on it. */
async function answerUnasked(
  context: AuditContext,
  bundle: PolicyBundle,
  { job, report }: { job: LeasedJob; report: JobReport },
): Promise<EgressDecision | undefined> {
  if (report.label !== "safe" || wasGivenNothing(report)) return undefined;
  const { scenario, organisation, product_type: productType, recipients } = job;
  const { facts } = report;
  const question = { scenario, organisation, productType, recipients, products: facts.products };
  const { authority } = await egressAuthority(context, bundle, question);
  return decideEgress(bundle, { request: job.id, facts, authority });
}

type LeasedJob = NonNullable<Awaited<ReturnType<typeof findLeasedJob>>>;

/** A script that was given nothing has nothing to tell. */
function wasGivenNothing({ facts, label }: JobReport): boolean {
  return label === "safe" && facts.products.length === 0 && facts.cells === 0;
}

/**
 * INVARIANT: log, error text and the names, columns and sizes of outputs are outputs too: their owner reads them where
 * the results that they may quote would leave by themselves, and nowhere else.
 */
function isVisible(report: JobReport, decision: EgressDecision | undefined): boolean {
  if (report.label !== "safe") return false;
  return wasGivenNothing(report) || decision?.verdict === "release" || decision?.verdict === "release_transformed";
}
