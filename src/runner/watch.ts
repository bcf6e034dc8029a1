import type { ConfinedProcess } from "./confined-process.ts";

export type WatchVerdict = "timeout" | "cancelled";

/**
 * The job's wall clock. It and the cancellation end processes, not promises: what a process does inside is not
 * asked.
 */
export interface Watch {
  readonly verdict: WatchVerdict | undefined;
  /** Whether the job's own code has begun: before that, what fails is the runner's. */
  readonly started: boolean;
  /** Ends the process with the job; at once when the job is over already. */
  add(confined: ConfinedProcess): void;
  /** A process that the job has used and that has ended. */
  findEnded(): ConfinedProcess | undefined;
  /** Starts the job's clock: when its processes are ready, so that a cold start is not the job's. */
  start(wallMs: number): void;
  stop(): void;
}

export function createWatch(cancel: AbortSignal): Watch {
  const watched = new Set<ConfinedProcess>();
  let verdict: WatchVerdict | undefined;
  let started = false;
  let timer: NodeJS.Timeout | undefined;
  const fire = (fired: WatchVerdict) => {
    verdict ??= fired;
    for (const confined of watched) confined.kill();
  };
  const onCancel = () => fire("cancelled");
  cancel.addEventListener("abort", onCancel);
  if (cancel.aborted) onCancel();
  return {
    get verdict() {
      return verdict;
    },
    get started() {
      return started;
    },
    add: (confined) => {
      watched.add(confined);
      if (verdict) confined.kill();
    },
    findEnded: () => [...watched].find((confined) => !confined.alive),
    start: (wallMs) => {
      started = true;
      timer = setTimeout(() => fire("timeout"), wallMs);
    },
    stop: () => {
      clearTimeout(timer);
      cancel.removeEventListener("abort", onCancel);
    },
  };
}
