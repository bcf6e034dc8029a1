import { type Confinement, hasControlGroup } from "./confinement/index.ts";
import { ISOLATE_IMAGES } from "#contract/isolate.ts";
import { EngineClient } from "./engine-client.ts";
import { EnginePool } from "./engine-pool.ts";
import { IsolateClient } from "./isolate-client.ts";
import type { ProductSource } from "./product-cache.ts";
import { SparePool } from "./spare-pool.ts";

export interface ProcessOptions {
  confinement: Confinement;
  threads: number;
  threadsAlone?: number;
  /** Limit of an isolate process, and of one that renders tables. Engines have their job class's. */
  memoryBytes: number;
  /** Most processes of each kind that wait idle. */
  idleLimit: number;
  /**
   * Whether a control group limits a process's memory, as the confinement says; without that there is no image with
   * JIT, because a loop of one line takes such an isolate beyond its own limit.
   */
  memoryIsLimited?: boolean;
  products?: ProductSource;
}

/** All confined processes of a runner. */
export interface RunnerProcesses extends AsyncDisposable {
  readonly confinement: Confinement;
  readonly engines: EnginePool;
  /** The isolate processes of an image; undefined when this runner does not offer it. */
  isolatesOf(image: string): SparePool<IsolateClient> | undefined;
  /** Engine processes that never mount a product: they render tables and make them of rows. */
  readonly renderers: SparePool<EngineClient>;
}

export function createRunnerProcesses(options: ProcessOptions): RunnerProcesses {
  const { confinement, memoryBytes, idleLimit, memoryIsLimited = hasControlGroup(options.confinement) } = options;
  const launch = { readOnly: [], memoryBytes, confinement };
  const engines = new EnginePool(options);
  const isolates = new SparePool({ start: () => IsolateClient.start(launch), idleLimit });
  const renderers = new SparePool({ start: () => EngineClient.start(launch), idleLimit });
  // never shared with those without JIT, and started only when a job asks
  const jitIsolates = new SparePool({ start: () => IsolateClient.start({ ...launch, jit: true }), idleLimit });
  isolates.warm();
  renderers.warm();
  return {
    confinement,
    engines,
    isolatesOf: (image) => {
      const known = ISOLATE_IMAGES[image];
      if (!known || (known.jit && !memoryIsLimited)) return undefined;
      return known.jit ? jitIsolates : isolates;
    },
    renderers,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([engines, isolates, jitIsolates, renderers].map((pool) => pool[Symbol.asyncDispose]()));
    },
  };
}
