import { setTimeout as setTimeoutPromise } from "node:timers/promises";
import type { Logger } from "pino";
import type {
  IngestOffer,
  JobOffer,
  LeaseRequest,
  Offer,
  RenderOffer,
  Report,
  RunnerCapacity,
  WorkKind,
} from "#contract/runner.ts";
import { isAppError } from "#kernel/errors.ts";
import type { ControlPlaneClient, Leased } from "./control-plane-client.ts";
import type { RunnerProcesses } from "./processes.ts";
import { RunningWork } from "./running-work.ts";
import { runIngest } from "./run-ingest.ts";
import { runJob } from "./run-job.ts";

export interface AgentOptions {
  name: string;
  client: ControlPlaneClient;
  processes: RunnerProcesses;
  log: Logger;
  /** Most jobs at once. */
  jobs: number;
  /** Memory for jobs, by the limits of their classes. */
  jobMemoryBytes: number;
  /** Most ingests at once; like jobs and renders none with 0. */
  ingests: number;
  renders?: number;
  ingestMemoryBytes: number;
  /** Aborted to stop taking work; what runs is finished first. */
  stop: AbortSignal;
}

const WAIT_MS = 20_000;
const HEARTBEAT_MS = 1_000;
const RETRY_MS = 500;
/** One that is refused was revoked, or its clock is wrong: nothing that changes soon. */
const REFUSED_RETRY_MS = 10_000;
/** Whoever waits for a job of this length sees its end, and not that it ran. */
const STARTED_AFTER_MS = 500;

/** Takes leases and runs them until `stop`. Returns when all that it took has ended and is reported. */
export async function runAgent(options: AgentOptions): Promise<void> {
  await Promise.all([leaseLoop(options, "jobs"), leaseLoop(options, "ingests"), leaseLoop(options, "renders")]);
}

const RENDERS = 4;
const RENDER_MS = 30_000;

/** One kind of work: asked for only while there is a free place, so that one kind never takes another's. */
async function leaseLoop(options: AgentOptions, kind: WorkKind): Promise<void> {
  const places = kind === "renders" ? (options.renders ?? RENDERS) : options[kind];
  if (places === 0) return;
  const running = new RunningWork();
  let isAsking = false;
  /** What has the other places than this one; undefined where it is not to ask: its place is asked for already, or none is. */
  const others = (own: Offer) => {
    if (kind !== "jobs" || isAsking || options.stop.aborted) return undefined;
    return running.offers.filter((offer) => offer !== own);
  };
  const start = (leased: Leased): void => {
    const next = () => nextRequest(options, others(leased.offer));
    const isAlone = () => running.isLone;
    const work = runLease(options, leased, { next, isAlone }).then((more) => {
      running.delete(work);
      return more.forEach(start);
    });
    running.add(work, leased.offer);
  };
  while (!options.stop.aborted) {
    if (running.size >= places) {
      await Promise.race(running.ends);
      continue;
    }
    isAsking = true;
    const leased = await lease(options, { kind, places: places - running.size, running: running.offers });
    isAsking = false;
    for (const each of leased) start(each);
  }
  while (running.size > 0) await Promise.all(running.ends);
}

/** For the one place that a job gives free with its report. */
function nextRequest(options: AgentOptions, others: readonly Offer[] | undefined): LeaseRequest | undefined {
  return others && leaseRequest(options, { kind: "jobs", places: 1, running: others });
}

interface Asking {
  kind: WorkKind;
  /** Free ones. */
  places: number;
  /** What has the others. */
  running: readonly Offer[];
}

function leaseRequest(options: AgentOptions, { kind, places, running }: Asking): LeaseRequest {
  const { confinement, engines } = options.processes;
  const jobs = kind === "jobs" ? { capacity: capacityOf(options, running), warm: engines.warmScenarios } : {};
  return { runner: options.name, kind, places, waitMs: WAIT_MS, confinement, ...jobs };
}

async function lease(options: AgentOptions, asking: Asking): Promise<Leased[]> {
  try {
    return await options.client.lease(leaseRequest(options, asking), options.stop);
  } catch (error) {
    if (options.stop.aborted) return [];
    options.log.warn({ err: error }, "no lease could be taken");
    await pause(isAppError(error, "unauthenticated") ? REFUSED_RETRY_MS : RETRY_MS, options.stop);
    return [];
  }
}

function capacityOf({ jobs: places, jobMemoryBytes }: AgentOptions, running: readonly Offer[]): RunnerCapacity {
  const jobs = running.filter((offer) => offer.kind === "job");
  const usedBytes = jobs.reduce((sum, { limits }) => sum + limits.memoryBytes, 0);
  return {
    places,
    runningBatch: jobs.filter(({ job }) => job.class === "batch").length,
    memoryBytes: jobMemoryBytes,
    freeMemoryBytes: Math.max(0, jobMemoryBytes - usedBytes),
  };
}

async function pause(ms: number, stop: AbortSignal): Promise<void> {
  // ended by the signal: whoever waits looks at it next
  await setTimeoutPromise(ms, undefined, { signal: stop }).catch(() => undefined);
}

/** Answers with what it was offered when it gave its place free. */
async function runLease(
  options: AgentOptions,
  { offer, bytes }: Leased,
  { next, isAlone }: { next: () => LeaseRequest | undefined; isAlone: () => boolean },
): Promise<Leased[]> {
  const cancel = new AbortController();
  const beat = offer.kind === "render" ? undefined : startHeartbeat(options, offer.lease, cancel);
  try {
    const { report, parts } = await runOffer(options, { offer, bytes, cancel: cancel.signal, isAlone });
    const { accepted, leased } = await options.client.report(offer.lease, { report, parts, next: next() });
    // somebody else has the work by now, or an answer was lost and this is the second time that it is told
    if (!accepted) options.log.warn({ lease: offer.lease }, "the report came too late: its lease was over");
    return leased;
  } catch (error) {
    // the lease expires and the control plane gives the work to somebody else, or ends it
    options.log.error({ err: error, lease: offer.lease }, "the work could not be finished");
    return [];
  } finally {
    clearInterval(beat);
  }
}

function startHeartbeat({ client, log }: AgentOptions, id: string, cancel: AbortController): NodeJS.Timeout {
  return setInterval(() => {
    client.heartbeat(id).then(
      (answer) => answer.cancel && cancel.abort(),
      (error: unknown) => {
        log.warn({ err: error, lease: id }, "heartbeat failed");
        // a runner that was revoked has no business with the data any more
        if (isAppError(error, "unauthenticated")) cancel.abort();
      },
    );
  }, HEARTBEAT_MS);
}

interface Work {
  offer: JobOffer | IngestOffer | RenderOffer;
  bytes: Uint8Array | undefined;
  cancel: AbortSignal;
  isAlone: () => boolean;
}

async function runOffer(
  options: AgentOptions,
  { offer, bytes, cancel, isAlone }: Work,
): Promise<{ report: Report; parts: Uint8Array[] }> {
  if (offer.kind === "render") return render(options, offer, bytes);
  if (offer.kind === "job") {
    // a job that is over at once need not have been seen running
    const started = setTimeout(() => noteProgress(options, offer.lease, { stage: "started" }), STARTED_AFTER_MS);
    const { processes } = options;
    return await runJob({ offer, processes, cancel, isAlone }).finally(() => clearTimeout(started));
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
  client
    .progress(id, progress)
    .catch((error: unknown) => log.debug({ err: error, lease: id }, "progress was not told"));
}

/** A process that ends under a table is tried once more: another table may have ended it. */
async function render(
  options: AgentOptions,
  offer: RenderOffer,
  bytes: Uint8Array | undefined,
): Promise<{ report: Report; parts: Uint8Array[] }> {
  const parts = (await renderOnce(options, offer, bytes)) ?? (await renderOnce(options, offer, bytes));
  return { report: { kind: "render", ok: parts !== undefined }, parts: parts ?? [] };
}

async function renderOnce(
  { processes: { renderers }, log }: AgentOptions,
  { scenario, format, suppressed, notes, maxRows }: RenderOffer,
  bytes: Uint8Array | undefined,
): Promise<Uint8Array[] | undefined> {
  const renderer = await renderers.acquire(scenario);
  // a table that hangs its process is given up by the request that waits for it; the process goes with it
  const timer = setTimeout(() => renderer.process.kill(), RENDER_MS);
  try {
    const call = { op: "render" as const, format, suppressed, notes, ...(maxRows === undefined ? {} : { maxRows }) };
    const { answer, parts } = await renderer.ask(call, bytes ? [bytes] : []);
    return answer.ok ? parts : undefined;
  } catch (error) {
    if (!isAppError(error, "process_failed")) throw error;
    log.error({ scenario, stderr: renderer.process.stderrTail }, "a process ended while it rendered a table");
    return undefined;
  } finally {
    clearTimeout(timer);
    renderers.release(scenario, renderer);
  }
}
