import { Compile } from "typebox/compile";
import { type AuditContext, withAudit } from "#audit/index.ts";
import { findIngestDirectory, finishIngest } from "#catalogue/index.ts";
import { FrameDecoder } from "#contract/frame.ts";
import type { ProductFile } from "#contract/product.ts";
import { type IngestReport, type JobReport, LeaseRequest, Report, type ReportAnswer } from "#contract/runner.ts";
import { completeJob, storeOutputs } from "#egress/index.ts";
import { AppError, isAppError } from "#kernel/errors.ts";
import { withStorableTexts } from "#kernel/storable-text.ts";
import { jobStory, noteEvents } from "#security/index.ts";
import type { Deployment } from "./deployment.ts";
import { type ClaimedOffers, claimOffers } from "./offer-work.ts";
import { noteRunner, tellEvents } from "./security-news.ts";

/** Compiled: a report may have thousands of cells of evidence. */
const reports = Compile(Report);
const leaseRequests = Compile(LeaseRequest);

export interface SentReport {
  lease: string;
  body: Buffer;
  /** The runner node that sent it; absent for the local runner. */
  node?: string | null;
  /** Takes note of what a runner says of itself when it asks for work. */
  onAsk(request: LeaseRequest): Promise<void>;
}

/**
 * Takes a runner's report, and offers work for the place that it gives free when the runner asks for it in the same message.
 * Answers whether the lease still held; a report that comes too late changes nothing.
 */
export async function takeReport(deployment: Deployment, sent: SentReport): Promise<ReportAnswer> {
  const { lease, body } = sent;
  const [frame] = new FrameDecoder().push(body);
  if (!frame) throw new AppError("frame_invalid");
  const { parts: _lengths, next: asked, ...said } = frame.header;
  // a script may log or ask what no database can keep
  const report = withStorableTexts(said);
  if (!reports.Check(report)) throw new AppError("frame_invalid", "the report does not have the agreed form");
  if (report.kind === "job") {
    const next = requestIn(asked, sent);
    if (next) await sent.onAsk(next);
    return takeJobReport(deployment, lease, { report, parts: frame.parts, next });
  }
  // INVARIANT: what else there is to report belongs to runners of this machine
  if (typeof sent.node === "string") throw new AppError("forbidden");
  if (report.kind === "ingest") return { accepted: await takeIngestReport(deployment, lease, report) };
  deployment.renders.finish(lease, report.ok ? frame.parts[0] : undefined);
  return { accepted: true };
}

/** INVARIANT: a node is given jobs only, and in its own name. */
function requestIn(asked: unknown, { node }: SentReport): LeaseRequest | undefined {
  if (asked === undefined) return undefined;
  if (!leaseRequests.Check(asked)) throw new AppError("frame_invalid", "the request for work has not the agreed form");
  if (asked.kind !== "jobs" || (typeof node === "string" && asked.runner !== node)) throw new AppError("forbidden");
  return asked;
}

interface ReportedJob {
  report: JobReport;
  parts: readonly Uint8Array[];
  next: LeaseRequest | undefined;
}

/** The bytes are durable before the row that names them. */
async function takeJobReport(
  deployment: Deployment,
  lease: string,
  { report, parts, next }: ReportedJob,
): Promise<ReportAnswer> {
  const { clock, objects, bundle, metrics, writes } = deployment;
  const stored = await storeOutputs(objects, report, parts);
  const by = { actor: { kind: "runner" as const, id: lease }, clock };
  const done = await writes.work.run(by, async (context) => {
    const ended = await completeJob(context, bundle, { lease, report, stored });
    if (!ended) return undefined;
    const events = await noteEvents(context, bundle.security, jobStory({ ...ended, report }));
    const offered = await offerNext(deployment, context, next);
    return { runner: ended.job.runner, offers: offered?.offers ?? [], events: [...events, ...(offered?.events ?? [])] };
  });
  if (!done) return { accepted: false };
  metrics.job(report.stages);
  // the job's end is among them, and wakes who waits for it
  tellEvents(deployment, done.events);
  const { runner, offers } = done;
  if (runner !== null) await noteRunner(deployment, { runner, confinement: report.confinement });
  return { accepted: true, ...(offers.length > 0 ? { offers } : {}) };
}

async function offerNext(
  deployment: Deployment,
  context: AuditContext,
  next: LeaseRequest | undefined,
): Promise<ClaimedOffers | undefined> {
  if (!next || deployment.stopping?.aborted) return undefined;
  return claimOffers(deployment, { ...context, actor: { kind: "runner", id: next.runner } }, next);
}

async function takeIngestReport(
  { db, clock, products }: Deployment,
  lease: string,
  report: IngestReport,
): Promise<boolean> {
  const by = { actor: { kind: "runner" as const, id: lease }, clock };
  const { manifest, manifestDigest, error } = report;
  const failure = error ?? { code: "process_failed", message: "the ingest ended without a result" };
  const end = report.ok && manifest && manifestDigest ? { lease, manifest, manifestDigest } : { lease, error: failure };
  try {
    // INVARIANT: what is published can be had by every machine that will mount it
    if (report.ok && manifest) await keepProduct({ db, products }, lease, manifest.files);
    await withAudit(db, by, async (context) => finishIngest(context, end));
    return true;
  } catch (error_) {
    if (isAppError(error_, "not_found")) return false;
    throw error_;
  }
}

/** Nothing for a lease that is lost: the end of the ingest says so. */
async function keepProduct(
  { db, products }: Pick<Deployment, "db" | "products">,
  lease: string,
  files: readonly ProductFile[],
): Promise<void> {
  const directory = await findIngestDirectory(db, lease);
  if (directory !== undefined) await products.keep({ directory, files });
}
