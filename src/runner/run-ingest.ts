import { mkdir } from "node:fs/promises";
import { Value } from "typebox/value";
import { type IngestOffer, IngestReport } from "#contract/runner.ts";
import { ConfinedProcess } from "./confined-process.ts";
import type { Confinement } from "./confinement/index.ts";
import { findFinished } from "./finished-version.ts";
import { openStaging, type Staging } from "./staging.ts";

export interface RunIngestOptions {
  offer: IngestOffer;
  confinement: Confinement;
  memoryBytes: number;
  onProgress: (rows: number) => void;
  cancel: AbortSignal;
}

const CANCEL_GRACE_MS = 5_000;

const FAILED = refusal("process_failed", "the ingest process ended before it was done");

/**
 * Runs one ingest in a process of its own, which ends with it. The process sees its source and writes to a directory
 * that holds nothing else; what it finished is moved into place from outside.
 */
export async function runIngest(options: RunIngestOptions): Promise<IngestReport> {
  const { directory } = options.offer;
  // a runner before this one may have died, or lost its lease, between the move and its report
  const finished = await findFinished(directory);
  if (finished) return finished;
  await using staging = await openStaging(directory);
  const report = await ingestInto(staging, options);
  if (!report.ok) return report;
  try {
    await staging.publish();
    return report;
  } catch {
    const other = await findFinished(directory);
    return other ?? refusal("ingest_failed", "the finished version could not be moved into its place");
  }
}

async function ingestInto(
  staging: Staging,
  { offer, confinement, memoryBytes, onProgress, cancel }: RunIngestOptions,
): Promise<IngestReport> {
  const { spec, subjectsDirectory } = offer;
  await mkdir(subjectsDirectory, { recursive: true, mode: 0o700 });
  await using ingest = await ConfinedProcess.start({
    role: "ingest",
    readOnly: "path" in spec.source ? [spec.source.path] : [],
    writable: [staging.directory, subjectsDirectory],
    network: "postgres" in spec.source,
    memoryBytes,
    confinement,
  });
  const { promise, resolve } = Promise.withResolvers<IngestReport>();
  // told to end it stops in order; the staging directory goes either way
  const stop = () => ingest.end(CANCEL_GRACE_MS);
  cancel.addEventListener("abort", stop);
  ingest.onFrame(({ header }) => {
    if (header["op"] === "progress" && typeof header["rows"] === "number") return onProgress(header["rows"]);
    if (header["op"] === "ingested") resolve(parseIngested(header));
    return undefined;
  });
  ingest.onEnd(() => resolve(FAILED));
  ingest.send({ op: "ingest", id: 1, spec, directory: staging.version, subjectsDirectory, memoryBytes });
  // awaited here: the process is ended when this function is left
  return await promise.finally(() => cancel.removeEventListener("abort", stop));
}

function refusal(code: string, message: string): IngestReport {
  return { kind: "ingest", ok: false, error: { code, message } };
}

function parseIngested(header: Record<string, unknown>): IngestReport {
  const { ok, manifest, manifestDigest, error } = header;
  const report = Object.fromEntries(
    Object.entries({ kind: "ingest", ok, manifest, manifestDigest, error }).filter(([, value]) => value !== undefined),
  );
  return Value.Check(IngestReport, report) ? report : FAILED;
}
