/** A runner on a simulated clock, which takes what `chooseJobs` gives it from organisations that always want more. */
import type { JobClass } from "#contract/job.ts";
import { batchPlacesOf, chooseJobs, LEAST_CHARGE_MS, type WaitingJob } from "../../src/scheduling/choose-jobs.ts";
import { decayed } from "../../src/scheduling/decay.ts";

export interface SimulatedOrganisation {
  weight: number;
  /** Each has one job waiting or running, always. */
  clients: number;
  costMs: number;
  /** Every so many jobs are batch jobs, ten times as long. */
  batchEvery: number;
  /** What it had before, while the others wanted nothing. */
  hadMs?: number;
  /** When its clients come; at once when absent. */
  fromMs?: number;
}

export interface SimulatedResult {
  /** Processor time since all had come. */
  organisations: { cpuMs: number }[];
  longestWaitMs: Record<JobClass, number>;
  /** Most batch jobs that ran at once. */
  mostBatch: number;
}

interface Running {
  job: WaitingJob;
  endMs: number;
  startMs: number;
}

interface Use {
  cpuMs: number;
  recentMs: number;
  atMs: number;
  endedMs?: number;
}

export function simulate(
  all: readonly SimulatedOrganisation[],
  { places, untilMs }: { places: number; untilMs: number },
): SimulatedResult {
  const uses: Use[] = all.map(({ hadMs = 0 }) => ({
    cpuMs: 0,
    recentMs: hadMs,
    atMs: 0,
    ...(hadMs > 0 ? { endedMs: -1 } : {}),
  }));
  const result: SimulatedResult = { organisations: uses, longestWaitMs: { interactive: 0, batch: 0 }, mostBatch: 0 };
  let waiting: WaitingJob[] = [];
  let running: Running[] = [];
  let made = 0;
  const costOf = (job: WaitingJob) => all[Number(job.organisation)]!.costMs * (job.class === "batch" ? 10 : 1);
  const submit = (index: number, nowMs: number) => {
    made += 1;
    const jobClass: JobClass = made % all[index]!.batchEvery === 0 ? "batch" : "interactive";
    const organisation = String(index);
    const id = String(made).padStart(9, "0");
    waiting.push({ id, organisation, scenario: organisation, class: jobClass, submittedAtMs: nowMs });
  };
  const coming = new Set(all.keys());
  const allAtMs = Math.max(...all.map(({ fromMs = 0 }) => fromMs));
  for (let nowMs = 0; nowMs < untilMs; nowMs = Math.min(...running.map(({ endMs }) => endMs))) {
    for (const { job } of running.filter(({ endMs }) => endMs <= nowMs)) end(job, nowMs);
    running = running.filter(({ endMs }) => endMs > nowMs);
    for (const index of coming) if ((all[index]!.fromMs ?? 0) <= nowMs) come(index, nowMs);
    start(nowMs);
  }
  return result;

  function come(index: number, nowMs: number): void {
    coming.delete(index);
    for (let i = 0; i < all[index]!.clients; i++) submit(index, nowMs);
  }

  function end(job: WaitingJob, nowMs: number): void {
    const index = Number(job.organisation);
    const use = uses[index]!;
    use.recentMs = decayed(use.recentMs, nowMs - use.atMs) + costOf(job);
    use.atMs = nowMs;
    use.endedMs = nowMs;
    if (nowMs > allAtMs) use.cpuMs += costOf(job);
    submit(index, nowMs);
  }

  function start(nowMs: number): void {
    const runningBatch = running.filter(({ job }) => job.class === "batch").length;
    const loads = all.map(({ weight }, index) => {
      const own = running.filter(({ job }) => job.organisation === String(index));
      const runningMs = own.reduce((sum, { startMs }) => sum + Math.max(LEAST_CHARGE_MS, nowMs - startMs), 0);
      const recentMs = decayed(uses[index]!.recentMs, nowMs - uses[index]!.atMs);
      const usedAtMs = uses[index]!.endedMs;
      return { organisation: String(index), weight, recentMs, usedAtMs, running: own.length, runningMs };
    });
    const { jobs, lifts } = chooseJobs(waiting, loads, {
      nowMs,
      mostHadMs: Math.max(...loads.map(({ recentMs, weight }) => recentMs / weight)),
      places: places - running.length,
      batchPlaces: batchPlacesOf(places) - runningBatch,
      freeMemoryBytes: Number.POSITIVE_INFINITY,
      memoryBytes: { interactive: 1, batch: 1 },
      warm: new Set(),
      warmElsewhere: new Set(),
    });
    for (const { organisation, leastMs } of lifts)
      Object.assign(uses[Number(organisation)]!, { recentMs: leastMs, atMs: nowMs, endedMs: nowMs });
    for (const job of jobs) {
      result.longestWaitMs[job.class] = Math.max(result.longestWaitMs[job.class], nowMs - job.submittedAtMs);
      running.push({ job, startMs: nowMs, endMs: nowMs + costOf(job) });
    }
    waiting = waiting.filter((job) => !jobs.includes(job));
    const batch = running.filter(({ job }) => job.class === "batch").length;
    result.mostBatch = Math.max(result.mostBatch, batch);
  }
}
