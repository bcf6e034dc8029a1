import { Compile } from "typebox/compile";
import { withAudit } from "#audit/index.ts";
import { findIngestDirectory, finishIngest } from "#catalogue/index.ts";
import { FrameDecoder } from "#contract/frame.ts";
import type { ProductFile } from "#contract/product.ts";
import { type IngestReport, type JobReport, Report } from "#contract/runner.ts";
import { completeJob, storeOutputs } from "#egress/index.ts";
import { AppError, isAppError } from "#kernel/errors.ts";
import { withStorableTexts } from "#kernel/storable-text.ts";
import { jobStory, noteEvents } from "#security/index.ts";
import type { Deployment } from "./deployment.ts";
import { noteRunner, tellEvents } from "./security-news.ts";

/** Compiled: a report may have thousands of cells of evidence. */
const reports = Compile(Report);

/** Takes a runner's report. Answers whether the lease still held; a report that comes too late changes nothing. */
export async function takeReport(deployment: Deployment, lease: string, body: Buffer): Promise<boolean> {
  const [frame] = new FrameDecoder().push(body);
  if (!frame) throw new AppError("frame_invalid");
  const { parts: _lengths, ...said } = frame.header;
  // a script may log or ask what no database can keep
  const report = withStorableTexts(said);
  if (!reports.Check(report)) throw new AppError("frame_invalid", "the report does not have the agreed form");
  if (report.kind === "job") return takeJobReport(deployment, lease, { report, parts: frame.parts });
  if (report.kind === "ingest") return takeIngestReport(deployment, lease, report);
  deployment.renders.finish(lease, report.ok ? frame.parts[0] : undefined);
  return true;
}

/** The bytes are durable before the row that names them. */
async function takeJobReport(
  deployment: Deployment,
  lease: string,
  { report, parts }: { report: JobReport; parts: readonly Uint8Array[] },
): Promise<boolean> {
  const { clock, objects, bundle, metrics, writes } = deployment;
  const stored = await storeOutputs(objects, report, parts);
  const by = { actor: { kind: "runner" as const, id: lease }, clock };
  let runner: string | null = null;
  const events = await writes.work.run(by, async (context) => {
    const done = await completeJob(context, bundle, { lease, report, stored });
    if (!done) return undefined;
    runner = done.job.runner;
    return noteEvents(context, bundle.security, jobStory({ ...done, report }));
  });
  if (!events) return false;
  metrics.job(report.stages);
  // the job's end is among them, and wakes who waits for it
  tellEvents(deployment, events);
  if (runner !== null) await noteRunner(deployment, { runner, confinement: report.confinement });
  return true;
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
