import type { Logger } from "pino";
import type { IngestOffer, JobOffer, RenderOffer, Report } from "#contract/runner.ts";
import type { ControlPlaneClient, Leased } from "./control-plane-client.ts";
import type { RunnerProcesses } from "./processes.ts";
import { runIngest } from "./run-ingest.ts";
import { runJob } from "./run-job.ts";

export interface AgentOptions {
  name: string;
  client: ControlPlaneClient;
  processes: RunnerProcesses;
  log: Logger;
  /** Most jobs at once. */
  jobs: number;
  ingestMemoryBytes: number;
  /** Aborted to stop taking work; what runs is finished first. */
  stop: AbortSignal;
}

const WAIT_MS = 20_000;
const HEARTBEAT_MS = 1_000;
const RETRY_MS = 500;

/** Takes leases and runs them until `stop`. Returns when all that it took has ended and is reported. */
export async function runAgent(options: AgentOptions): Promise<void> {
  const running = new Set<Promise<void>>();
  const start = (leased: Leased) => {
    const work = runLease(options, leased).finally(() => running.delete(work));
    running.add(work);
  };
  await Promise.all([jobLoop(options, running, start), taskLoop(options, start)]);
  await Promise.all(running);
}

/** Jobs are asked for only while there is a free place. */
async function jobLoop(options: AgentOptions, running: Set<Promise<void>>, start: (leased: Leased) => void): Promise<void> {
  const jobs = new Set<Promise<void>>();
  while (!options.stop.aborted) {
    if (jobs.size >= options.jobs) {
      await Promise.race(jobs);
      continue;
    }
    for (const leased of await lease(options, { jobs: options.jobs - jobs.size, ingests: 0 })) {
      const before = new Set(running);
      start(leased);
      for (const work of running) if (!before.has(work)) track(jobs, work);
    }
  }
}

function track(jobs: Set<Promise<void>>, work: Promise<void>): void {
  jobs.add(work);
  void work.finally(() => jobs.delete(work));
}

/** Ingests and renderings do not take a job's place. */
async function taskLoop(options: AgentOptions, start: (leased: Leased) => void): Promise<void> {
  while (!options.stop.aborted) {
    for (const leased of await lease(options, { jobs: 0, ingests: 1 })) start(leased);
  }
}

async function lease(options: AgentOptions, places: { jobs: number; ingests: number }): Promise<Leased[]> {
  try {
    return await options.client.lease({ runner: options.name, ...places, waitMs: WAIT_MS }, options.stop);
  } catch (error) {
    if (options.stop.aborted) return [];
    options.log.warn({ err: error }, "no lease could be taken");
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    return [];
  }
}

async function runLease(options: AgentOptions, { offer, bytes }: Leased): Promise<void> {
  const cancel = new AbortController();
  const beat = offer.kind === "render" ? undefined : startHeartbeat(options, offer.lease, cancel);
  try {
    const { report, parts } = await runOffer(options, { offer, bytes, cancel: cancel.signal });
    await options.client.report(offer.lease, report, parts);
  } catch (error) {
    // the lease expires and the control plane gives the work to somebody else, or ends it
    options.log.error({ err: error, lease: offer.lease }, "the work could not be finished");
  } finally {
    clearInterval(beat);
  }
}

function startHeartbeat({ client, log }: AgentOptions, id: string, cancel: AbortController): NodeJS.Timeout {
  return setInterval(() => {
    client.heartbeat(id).then(
      (answer) => answer.cancel && cancel.abort(),
      (error: unknown) => log.warn({ err: error, lease: id }, "heartbeat failed"),
    );
  }, HEARTBEAT_MS);
}

interface Work {
  offer: JobOffer | IngestOffer | RenderOffer;
  bytes: Uint8Array | undefined;
  cancel: AbortSignal;
}

async function runOffer(options: AgentOptions, { offer, bytes, cancel }: Work): Promise<{ report: Report; parts: Uint8Array[] }> {
  if (offer.kind === "render") return render(options, offer, bytes);
  if (offer.kind === "job") {
    noteProgress(options, offer.lease, { stage: "started" });
    return runJob({ offer, processes: options.processes, cancel });
  }
  const report = await runIngest({
    offer,
    confinement: options.processes.confinement,
    memoryBytes: options.ingestMemoryBytes,
    onProgress: (rows) => noteProgress(options, offer.lease, { stage: "ingesting", rows }),
    cancel,
  });
  return { report, parts: [] };
}

/** Progress is news, not state: a lost message does no harm. */
function noteProgress({ client, log }: AgentOptions, id: string, progress: { stage: string; rows?: number }): void {
  client.progress(id, progress).catch((error: unknown) => log.debug({ err: error, lease: id }, "progress was not told"));
}

async function render({ processes }: AgentOptions, offer: RenderOffer, bytes: Uint8Array | undefined): Promise<{ report: Report; parts: Uint8Array[] }> {
  const { format, suppressed, notes, maxRows } = offer;
  const renderer = await processes.renderer();
  const call = { op: "render" as const, format, suppressed, notes, ...(maxRows === undefined ? {} : { maxRows }) };
  const { answer, parts } = await renderer.ask(call, bytes ? [bytes] : []);
  return { report: { kind: "render", ok: answer.ok }, parts: answer.ok ? parts : [] };
}
