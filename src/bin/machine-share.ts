import { availableParallelism, totalmem } from "node:os";

/** What a runner is set to use of its machine; what is not set follows from the machine. */
export interface RunnerSettings {
  concurrentJobs: number;
  memoryBytes: number | undefined;
  idleProcesses: number | undefined;
  engineThreads: number | undefined;
}

export interface MachineShare {
  /** Of each engine. */
  threads: number;
  /** Of each engine while its job is the only one. */
  threadsAlone: number;
  /** For jobs, by the limits of their classes. */
  jobMemoryBytes: number;
  /** Processes of each kind that stay warm. */
  idleLimit: number;
}

/** What an idle engine holds at most, in the memory that is its own; the files that it maps are shared. */
const IDLE_BYTES = 192 * 1024 ** 2;
const MEMORY_SHARE = 0.75;

/** An idle engine has its threads too, though they sleep. */
const MOST_THREADS_ALONE = 16;

/**
 * The processors are shared out among the jobs that run at once: more threads than processors cost each of them. Who is alone
 * has what the others would have. What the operator sets holds always. A cold start
 * costs as much as many jobs: as many engines stay as half of the memory holds.
 */
export function shareOfMachine(
  settings: RunnerSettings,
  machine = { processors: availableParallelism(), memoryBytes: totalmem() },
): MachineShare {
  const { concurrentJobs, memoryBytes, idleProcesses, engineThreads } = settings;
  const idle = Math.min(64, Math.max(4, Math.floor(machine.memoryBytes / 2 / IDLE_BYTES)));
  const threads = engineThreads ?? Math.ceil(machine.processors / Math.max(1, concurrentJobs));
  return {
    threads,
    threadsAlone: engineThreads ?? Math.max(threads, Math.min(machine.processors, MOST_THREADS_ALONE)),
    jobMemoryBytes: memoryBytes ?? Math.floor(machine.memoryBytes * MEMORY_SHARE),
    idleLimit: idleProcesses ?? idle,
  };
}
