import type { JobLimits, JobOffer, JobReport } from "#contract/runner.ts";
import { AppError, isAppError } from "#kernel/errors.ts";
import type { ConfinedProcess } from "./confined-process.ts";
import type { EngineClient } from "./engine-client.ts";
import { noteFallen, noteReason, noteStopped } from "./job-events.ts";
import type { IsolateClient } from "./isolate-client.ts";
import { addStage, createJobRun, type JobEnd, jobReport, type JobRun } from "./job-run.ts";
import type { RunnerProcesses } from "./processes.ts";
import { compileJavascript, runJavascript } from "./run-javascript.ts";
import { runSql } from "./run-sql.ts";
import { Watch, type WatchVerdict } from "./watch.ts";

export interface RunJobOptions {
  offer: JobOffer;
  processes: RunnerProcesses;
  /** Aborted when the job is not wanted any more. */
  cancel: AbortSignal;
  /** Whether no other job runs on the machine; absent: not known, so there may be one. */
  isAlone?: () => boolean;
}

export interface FinishedJob {
  report: JobReport;
  parts: Uint8Array[];
}

/**
 * Runs one job under a wall clock. Never throws for what the job did; it reports. What failed before the job's own
 * code began is the runner's fault and is tried once more.
 */
export async function runJob(options: RunJobOptions): Promise<FinishedJob> {
  const waitedMs = Math.max(0, Date.now() - options.offer.job.submittedAtMs);
  let run = createJobRun(waitedMs, options.isAlone);
  let end = await attempt(run, options);
  if (end.reasonCode === "runner_fault") {
    run = createJobRun(waitedMs, options.isAlone);
    end = await attempt(run, options);
  }
  const report = jobReport(run, end, options.processes.confinement);
  return { report, parts: end.state === "succeeded" ? run.parts : [] };
}

async function attempt(run: JobRun, { offer, processes, cancel }: RunJobOptions): Promise<JobEnd> {
  using watch = new Watch(cancel);
  let end: JobEnd;
  try {
    end = await runIn(run, { offer, processes, watch });
  } catch (error) {
    end = await endOfError(error, run, { watch, limits: offer.limits });
  }
  run.used = watch.usage();
  if (watch.verdict) {
    noteStopped(run, { verdict: watch.verdict, stopped: watch.stopped }, offer.limits.wallMs);
    return end.state === "succeeded" ? end : watchEnd(watch.verdict);
  }
  noteReason(run, end.reasonCode);
  return end;
}

interface RunNeeds {
  offer: JobOffer;
  processes: RunnerProcesses;
  watch: Watch;
}

async function runIn(run: JobRun, needs: RunNeeds): Promise<JobEnd> {
  const { offer, processes, watch } = needs;
  if (watch.verdict) return watchEnd(watch.verdict);
  if (offer.job.mode === "validate" && offer.job.script !== undefined) return validateScript(run, needs);
  const startedMs = performance.now();
  const engineNeeds = { scenario: offer.scenario, memoryBytes: offer.limits.memoryBytes, lease: offer.lease };
  const engine = await processes.engines.acquire(engineNeeds);
  addStage(run, "engine", performance.now() - startedMs);
  watch.add("engine", engine.process);
  try {
    if (offer.job.script !== undefined) return await runScript(run, { ...needs, engine });
    watch.start(offer.limits.wallMs);
    return await runSql(run, offer, engine);
  } finally {
    // what a script left running would run on in the next job's time
    if (engine.busy) engine.process.kill();
    // an engine that has ended is replaced by the pool
    processes.engines.release(engineNeeds, engine);
  }
}

async function validateScript(run: JobRun, needs: RunNeeds): Promise<JobEnd> {
  return inIsolate(run, needs, async (isolate) => compileJavascript(run, { offer: needs.offer, isolate }));
}

async function runScript(run: JobRun, { engine, ...needs }: RunNeeds & { engine: EngineClient }): Promise<JobEnd> {
  const { offer } = needs;
  return inIsolate(run, needs, async (isolate) => {
    const renderer = lazyRenderer(needs);
    try {
      const script = runJavascript(run, { offer, engine, isolate, renderer: renderer.get });
      return await Promise.race([script, failOnEnd(engine.process)]);
    } finally {
      await renderer.giveBack();
    }
  });
}

/** Gives the work an isolate process of the job's image and starts the job's clock. */
async function inIsolate(
  run: JobRun,
  { offer, processes, watch }: RunNeeds,
  work: (isolate: IsolateClient) => Promise<JobEnd>,
): Promise<JobEnd> {
  const isolates = processes.isolatesOf(offer.job.image);
  if (!isolates) return { state: "failed", reasonCode: "image_refused" };
  const scenario = offer.scenario.id;
  const isolate = await isolates.acquire(scenario);
  watch.add("isolate", isolate.process);
  try {
    watch.start(offer.limits.wallMs);
    return await work(isolate);
  } finally {
    // INVARIANT: a process that has seen rows never runs a script whose label is still safe
    if (run.label === "safe" && !isolate.busy) isolates.release(scenario, isolate);
    else isolates.discard(isolate);
  }
}

/** The process that makes tables of the script's rows, for scripts that make any. */
function lazyRenderer({ offer, processes, watch }: RunNeeds) {
  const scenario = offer.scenario.id;
  let renderer: Promise<EngineClient> | undefined;
  const acquire = async () => {
    const acquired = await processes.renderers.acquire(scenario);
    watch.add("renderer", acquired.process);
    return acquired;
  };
  return {
    get: async () => (renderer ??= acquire()),
    giveBack: async () => {
      const held = await renderer?.catch(() => undefined);
      if (held) processes.renderers.release(scenario, held);
    },
  };
}

/** An engine that ends under a script leaves the script waiting for ever: the job ends instead. */
async function failOnEnd(confined: ConfinedProcess): Promise<never> {
  const { signal } = await confined.ended;
  throw new AppError("process_failed", "the engine ended under a script", { cause: signal });
}

function watchEnd(verdict: WatchVerdict): JobEnd {
  return verdict === "cancelled"
    ? { state: "cancelled", reasonCode: "cancelled" }
    : { state: "failed", reasonCode: "timeout" };
}

async function endOfError(
  error: unknown,
  run: JobRun,
  { watch, limits }: { watch: Watch; limits: JobLimits },
): Promise<JobEnd> {
  if (watch.verdict) return watchEnd(watch.verdict);
  if (isAppError(error, "product_unavailable")) return { state: "failed", reasonCode: "product_unavailable" };
  if (!isAppError(error, "process_failed")) throw error;
  if (!watch.started) return { state: "failed", reasonCode: "runner_fault" };
  if (run.events.some((event) => event.kind === "escape.attempted")) {
    return { state: "failed", reasonCode: "forbidden_operation" };
  }
  const fallen = await watch.findFallen();
  return { state: "failed", reasonCode: fallen ? noteFallen(run, fallen, limits) : "runner_fault" };
}
