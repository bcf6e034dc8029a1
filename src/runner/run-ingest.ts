import { Value } from "typebox/value";
import { type IngestOffer, IngestReport } from "#contract/runner.ts";
import { ConfinedProcess } from "./confined-process.ts";
import type { Confinement } from "./confinement.ts";

export interface RunIngestOptions {
  offer: IngestOffer;
  confinement: Confinement;
  memoryBytes: number;
  onProgress: (rows: number) => void;
  cancel: AbortSignal;
}

const CANCEL_GRACE_MS = 5_000;

const FAILED: IngestReport = {
  kind: "ingest",
  ok: false,
  error: { code: "process_failed", message: "the ingest process ended before it was done" },
};

/** Runs one ingest in a process of its own, which ends with it. */
export async function runIngest({
  offer,
  confinement,
  memoryBytes,
  onProgress,
  cancel,
}: RunIngestOptions): Promise<IngestReport> {
  await using ingest = await ConfinedProcess.start({ role: "ingest", readOnly: [], memoryBytes, confinement });
  const { promise, resolve } = Promise.withResolvers<IngestReport>();
  // told to end it removes what it has written; killed it could not
  const stop = () => ingest.end(CANCEL_GRACE_MS);
  cancel.addEventListener("abort", stop);
  ingest.onFrame(({ header }) => {
    if (header["op"] === "progress" && typeof header["rows"] === "number") return onProgress(header["rows"]);
    if (header["op"] === "ingested") resolve(parseIngested(header));
    return undefined;
  });
  ingest.onEnd(() => resolve(FAILED));
  const { spec, directory, subjectsDirectory } = offer;
  ingest.send({ op: "ingest", id: 1, spec, directory, subjectsDirectory, memoryBytes });
  // awaited here: the process is ended when this function is left
  return await promise.finally(() => cancel.removeEventListener("abort", stop));
}

function parseIngested(header: Record<string, unknown>): IngestReport {
  const { ok, manifest, manifestDigest, error } = header;
  const report = Object.fromEntries(
    Object.entries({ kind: "ingest", ok, manifest, manifestDigest, error }).filter(([, value]) => value !== undefined),
  );
  return Value.Check(IngestReport, report) ? report : FAILED;
}
