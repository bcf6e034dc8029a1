import type { Confinement } from "./confinement/index.ts";
import { EngineClient } from "./engine-client.ts";
import { EnginePool } from "./engine-pool.ts";
import { IsolatePool } from "./isolate-pool.ts";

export interface ProcessOptions {
  confinement: Confinement;
  threads: number;
  memoryBytes: number;
  idleLimit: number;
}

/** All confined processes of a runner. */
export interface RunnerProcesses extends AsyncDisposable {
  readonly confinement: Confinement;
  readonly engines: EnginePool;
  readonly isolates: IsolatePool;
  /** An engine process that holds no data: renders tables and makes them of rows. */
  renderer(): Promise<EngineClient>;
}

export function createRunnerProcesses(options: ProcessOptions): RunnerProcesses {
  const { confinement, memoryBytes, idleLimit } = options;
  const engines = new EnginePool(options);
  const isolates = new IsolatePool({ confinement, memoryBytes, idleLimit });
  let current: Promise<EngineClient> | undefined;
  const renderer = async (): Promise<EngineClient> => {
    const running = await current?.catch(() => undefined);
    if (running?.alive) return running;
    current = EngineClient.start({ readOnly: [], memoryBytes, confinement });
    return current;
  };
  isolates.warm();
  return {
    confinement,
    engines,
    isolates,
    renderer,
    [Symbol.asyncDispose]: async () => {
      const running = await current?.catch(() => undefined);
      await Promise.all([
        engines[Symbol.asyncDispose](),
        isolates[Symbol.asyncDispose](),
        running?.[Symbol.asyncDispose](),
      ]);
    },
  };
}
