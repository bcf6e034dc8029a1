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

/** Waits until the job has ended or the time is over. Looks itself now and then: another replica may end the job. */
export async function waitForJob(
  { db, signal }: Pick<Deployment, "db" | "signal">,
  id: string,
  timeoutMs: number,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const off = signal.onJob(id, (event) => {
      if (event.state && TERMINAL_STATES.includes(event.state)) resolve();
    });
    try {
      const { state } = await getJob(db, id);
      const leftMs = deadline - performance.now();
      if (TERMINAL_STATES.includes(state) || leftMs <= 0) return;
      await Promise.race([promise, pause(Math.min(leftMs, POLL_MS))]);
    } finally {
      off();
    }
  }
}

async function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
