import type { JobOffer, JobReport } from "#contract/runner.ts";
import { AppError, isAppError } from "#kernel/errors.ts";
import type { ConfinedProcess } from "./confined-process.ts";
import type { EngineClient } from "./engine-client.ts";
import { addStage, createJobRun, type JobEnd, jobReport, type JobRun } from "./job-run.ts";
import type { RunnerProcesses } from "./processes.ts";
import { runJavascript } from "./run-javascript.ts";
import { runSql } from "./run-sql.ts";

export interface RunJobOptions {
  offer: JobOffer;
  processes: RunnerProcesses;
  /** Aborted when the job is not wanted any more. */
  cancel: AbortSignal;
}

export interface FinishedJob {
  report: JobReport;
  parts: Uint8Array[];
}

/**
 * Runs one job under a wall clock. The clock and the cancellation end processes, not promises: what a process does
 * inside is not asked. Never throws for what the job did; it reports.
 */
export async function runJob({ offer, processes, cancel }: RunJobOptions): Promise<FinishedJob> {
  const run = createJobRun(Math.max(0, Date.now() - offer.job.submittedAtMs));
  const watch = createWatch(cancel);
  let end: JobEnd;
  try {
    end = await runIn(run, { offer, processes, watch });
  } catch (error) {
    end = endOfError(error, watch);
  } finally {
    watch.stop();
  }
  if (watch.verdict !== undefined && end.state !== "succeeded") end = watchEnd(watch.verdict);
  return { report: jobReport(run, end, processes.confinement), parts: end.state === "succeeded" ? run.parts : [] };
}

/** Kills what it watches when the time is over or the job is cancelled. */
interface Watch {
  verdict: "timeout" | "cancelled" | undefined;
  /** Whether the job's own code has begun: before that, what fails is the runner's. */
  started: boolean;
  watched: Set<ConfinedProcess>;
  /** Starts the job's clock: when its processes are ready, so that a cold start is not the job's. */
  start(wallMs: number): void;
  stop(): void;
}

function createWatch(cancel: AbortSignal): Watch {
  const watched = new Set<ConfinedProcess>();
  const fire = (verdict: "timeout" | "cancelled") => {
    watch.verdict ??= verdict;
    for (const confined of watched) confined.kill();
  };
  let timer: NodeJS.Timeout | undefined;
  const start = (wallMs: number) => {
    watch.started = true;
    timer = setTimeout(() => fire("timeout"), wallMs);
  };
  const onCancel = () => fire("cancelled");
  const stop = () => {
    clearTimeout(timer);
    cancel.removeEventListener("abort", onCancel);
  };
  const watch: Watch = { verdict: undefined, started: false, watched, start, stop };
  cancel.addEventListener("abort", onCancel);
  if (cancel.aborted) onCancel();
  return watch;
}

interface RunNeeds {
  offer: JobOffer;
  processes: RunnerProcesses;
  watch: Watch;
}

async function runIn(run: JobRun, needs: RunNeeds): Promise<JobEnd> {
  const { offer, processes, watch } = needs;
  if (watch.verdict) return watchEnd(watch.verdict);
  const startedMs = performance.now();
  const engine = await processes.engines.acquire(offer.scenario);
  addStage(run, "engine", performance.now() - startedMs);
  watch.watched.add(engine.process);
  try {
    if (watch.verdict) return watchEnd(watch.verdict);
    if (offer.job.script === undefined) {
      watch.start(offer.limits.wallMs);
      return await runSql(run, offer, engine);
    }
    return await runScript(run, { ...needs, engine });
  } finally {
    // an engine that the watch has ended is seen by the pool
    processes.engines.release(offer.scenario, engine);
  }
}

async function runScript(
  run: JobRun,
  { offer, processes, watch, engine }: RunNeeds & { engine: EngineClient },
): Promise<JobEnd> {
  if (offer.job.mode === "validate") return { state: "succeeded" };
  const [isolate, renderer] = await Promise.all([processes.isolates.acquire(offer.scenario.id), processes.renderer()]);
  watch.watched.add(isolate.process);
  try {
    if (watch.verdict) return watchEnd(watch.verdict);
    watch.start(offer.limits.wallMs);
    return await Promise.race([runJavascript(run, { offer, engine, isolate, renderer }), failOnEnd(engine.process)]);
  } finally {
    processes.isolates.release(offer.scenario.id, isolate);
  }
}

/** An engine that ends under a script leaves the script waiting for ever: the job ends instead. */
async function failOnEnd(confined: ConfinedProcess): Promise<never> {
  const { signal } = await confined.ended;
  throw new AppError("process_failed", "the engine ended under a script", { cause: signal });
}

function watchEnd(verdict: "timeout" | "cancelled"): JobEnd {
  return verdict === "cancelled"
    ? { state: "cancelled", reasonCode: "cancelled" }
    : { state: "failed", reasonCode: "timeout" };
}

function endOfError(error: unknown, watch: Watch): JobEnd {
  if (watch.verdict) return watchEnd(watch.verdict);
  if (isAppError(error, "product_unavailable")) return { state: "failed", reasonCode: "product_unavailable" };
  if (isAppError(error, "process_failed")) {
    // a process that ends by itself under a job was, nearly always, ended by its memory limit
    return { state: "failed", reasonCode: watch.started ? "memory_limit" : "runner_fault" };
  }
  throw error;
}
