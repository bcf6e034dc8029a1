import type { LeaseRequest } from "#contract/runner.ts";
import { seeRunner } from "#scheduling/index.ts";
import type { Deployment } from "./deployment.ts";

/** Writes down what runners say of themselves: at once what changed, and now and then that they are there. */
export interface SeenRunners {
  note(request: LeaseRequest): Promise<void>;
}

const EVERY_MS = 10_000;
/** What is warm changes with many jobs, and is a preference only. */
const CHANGED_MS = 1_000;
const MAX_RUNNERS = 1000;

export function createSeenRunners({ db, clock }: Pick<Deployment, "db" | "clock">): SeenRunners {
  const written = new Map<string, { atMs: number; said: string }>();
  return {
    note: async (request) => {
      // only who takes jobs says what it has for them
      if (request.kind !== "jobs") return;
      const nowMs = clock.nowMs();
      const { runner, capacity, confinement } = request;
      const said = JSON.stringify([capacity?.places, capacity?.memoryBytes, confinement, request.warm?.toSorted()]);
      const last = written.get(runner);
      if (last && nowMs - last.atMs < (last.said === said ? EVERY_MS : CHANGED_MS)) return;
      if (!last && written.size >= MAX_RUNNERS) written.delete(written.keys().next().value ?? "");
      written.set(runner, { atMs: nowMs, said });
      await seeRunner(db, request, nowMs);
    },
  };
}
