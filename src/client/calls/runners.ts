import type { RunnerView } from "#contract/runner.ts";
import { pathOf, readJson, type CallOptions, type Send } from "../transport.ts";

export interface RunnerCalls {
  list(options?: CallOptions): Promise<RunnerView[]>;
  /** No new work for a while; what the runner has goes on. */
  pause(name: string, reason?: string, options?: CallOptions): Promise<RunnerView>;
  /** No new work because the runner is to go; it is drained when `running` is 0. */
  drain(name: string, reason?: string, options?: CallOptions): Promise<RunnerView>;
  resume(name: string, reason?: string, options?: CallOptions): Promise<RunnerView>;
}

export function runnerCalls(send: Send): RunnerCalls {
  const step = (path: (name: string) => string) => async (name: string, reason?: string, options?: CallOptions) =>
    readJson<RunnerView>(
      await send({
        method: "POST",
        path: path(name),
        body: reason === undefined ? {} : { reason },
        once: true,
        options,
      }),
    );
  return {
    list: async (options) => {
      const { items } = await readJson<{ items: RunnerView[] }>(
        await send({ method: "GET", path: "/v1/runners", options }),
      );
      return items;
    },
    pause: step((name) => pathOf`/v1/runners/${name}/pause`),
    drain: step((name) => pathOf`/v1/runners/${name}/drain`),
    resume: step((name) => pathOf`/v1/runners/${name}/resume`),
  };
}
