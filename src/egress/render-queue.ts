import { createId } from "#kernel/ids.ts";
import { AppError } from "#kernel/errors.ts";
import type { RenderOffer } from "#contract/runner.ts";

export interface RenderTask {
  /** An Arrow stream. Only confined processes parse it. */
  bytes: Uint8Array;
  scenario: string;
  format: RenderOffer["format"];
  suppressed: number;
  notes: RenderOffer["notes"];
  maxRows?: number;
}

/** Tasks that wait for a runner to turn a table into another format. They live as long as the request that asks. */
export interface RenderQueue {
  render(task: RenderTask): Promise<Uint8Array>;
  /** The oldest waiting task, now leased. */
  take(): { offer: RenderOffer; bytes: Uint8Array } | undefined;
  /** Ends a lease; unknown leases are ignored. */
  finish(lease: string, bytes: Uint8Array | undefined): void;
}

interface Pending {
  task: RenderTask;
  settle: (bytes: Uint8Array | undefined) => void;
}

export function createRenderQueue(options: { timeoutMs: number; limit: number; onWork: () => void }): RenderQueue {
  const waiting = new Map<string, Pending>();
  const leased = new Map<string, Pending>();
  return {
    render: async (task) => {
      if (waiting.size >= options.limit) throw new AppError("runner_unavailable");
      const lease = createId("lease", Date.now());
      const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
      waiting.set(lease, { task, settle: resolve });
      options.onWork();
      const timer = setTimeout(() => resolve(undefined), options.timeoutMs);
      const bytes = await promise.finally(() => {
        clearTimeout(timer);
        waiting.delete(lease);
        leased.delete(lease);
      });
      if (!bytes) throw new AppError("runner_unavailable", "the content could not be rendered now");
      return bytes;
    },
    take: () => {
      const [first] = waiting;
      if (!first) return undefined;
      const [lease, pending] = first;
      waiting.delete(lease);
      leased.set(lease, pending);
      const { bytes, ...rest } = pending.task;
      return { offer: { kind: "render", lease, ...rest }, bytes };
    },
    finish: (lease, bytes) => leased.get(lease)?.settle(bytes),
  };
}
