import type { Confinement } from "./confinement.ts";
import { EngineClient } from "./engine-client.ts";
import { EnginePool } from "./engine-pool.ts";
import { IsolateClient } from "./isolate-client.ts";
import { SparePool } from "./spare-pool.ts";

export interface ProcessOptions {
  confinement: Confinement;
  threads: number;
  /** Limit of an isolate process, and of one that renders tables. Engines have their job class's. */
  memoryBytes: number;
  /** Most processes of each kind that wait idle. */
  idleLimit: number;
}

/** All confined processes of a runner. */
export interface RunnerProcesses extends AsyncDisposable {
  readonly confinement: Confinement;
  readonly engines: EnginePool;
  readonly isolates: SparePool<IsolateClient>;
  /** Engine processes that never mount a product: they render tables and make them of rows. */
  readonly renderers: SparePool<EngineClient>;
}

export function createRunnerProcesses(options: ProcessOptions): RunnerProcesses {
  const { confinement, memoryBytes, idleLimit } = options;
  const launch = { readOnly: [], memoryBytes, confinement };
  const engines = new EnginePool(options);
  const isolates = new SparePool({ start: () => IsolateClient.start(launch), idleLimit });
  const renderers = new SparePool({ start: () => EngineClient.start(launch), idleLimit });
  isolates.warm();
  renderers.warm();
  return {
    confinement,
    engines,
    isolates,
    renderers,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([engines, isolates, renderers].map((pool) => pool[Symbol.asyncDispose]()));
    },
  };
}
