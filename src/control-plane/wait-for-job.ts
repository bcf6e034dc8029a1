import { TERMINAL_STATES } from "#contract/job.ts";
import { getJob } from "#jobs/index.ts";
import type { Deployment } from "./deployment.ts";

export const MAX_WAIT_SECONDS = 60;
const POLL_MS = 2_000;

/** Seconds of `Prefer: wait=N`, at most a minute; 0 without it. */
export function waitSeconds(prefer: string | string[] | undefined): number {
  const text = Array.isArray(prefer) ? prefer.join(",") : (prefer ?? "");
  const match = /(?:^|[,;\s])wait=(\d{1,4})(?:$|[,;\s])/.exec(text);
  return match ? Math.min(Number(match[1]), MAX_WAIT_SECONDS) : 0;
}

/** Resolves with the job's end, as far as this process is told of it; `stop` ends the listening. */
export interface ListenedEnd {
  promise: Promise<void>;
  stop(): void;
}

export function listenForEnd({ signal }: Pick<Deployment, "signal">, id: string): ListenedEnd {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = signal.onJob(id, (event) => {
    if (event.state && TERMINAL_STATES.includes(event.state)) resolve();
  });
  return { promise, stop };
}

export interface Waiting {
  timeoutMs: number;
  ended: ListenedEnd;
  /** Submitted a moment ago, after `ended` began to listen: it need not be looked at first. */
  isNew: boolean;
}

/** Waits until the job has ended or the time is over. Looks itself now and then: news of another replica may get lost. */
export async function waitForJob(
  { db }: Pick<Deployment, "db">,
  id: string,
  { timeoutMs, ended, isNew }: Waiting,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  const told = ended.promise.then(() => true);
  try {
    for (let look = !isNew; ; look = true) {
      if (look && TERMINAL_STATES.includes((await getJob(db, id)).state)) return;
      const leftMs = deadline - performance.now();
      if (leftMs <= 0 || (await Promise.race([told, pause(Math.min(leftMs, POLL_MS))]))) return;
    }
  } finally {
    ended.stop();
  }
}

async function pause(ms: number): Promise<false> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms, false).unref();
  });
}
