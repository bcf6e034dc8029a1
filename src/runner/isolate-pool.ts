import type { Confinement } from "./confinement.ts";
import { IsolateClient } from "./isolate-client.ts";

/**
 * Isolate processes by scenario. A process that ran a script of one scenario is never used for another; a fresh
 * one is kept ready so that the first script of a scenario need not wait for a start.
 */
export class IsolatePool implements AsyncDisposable {
  readonly #options: { confinement: Confinement; memoryBytes: number; idleLimit: number };
  readonly #idle = new Map<string, IsolateClient[]>();
  readonly #all = new Set<IsolateClient>();
  #spare: Promise<IsolateClient> | undefined;
  #closed = false;

  constructor(options: { confinement: Confinement; memoryBytes: number; idleLimit: number }) {
    this.#options = options;
  }

  /** Starts the ready process; errors show when it is taken. */
  warm(): void {
    if (this.#closed || this.#spare) return;
    this.#spare = this.#start();
    this.#spare.catch(() => {
      this.#spare = undefined;
    });
  }

  async acquire(scenario: string): Promise<IsolateClient> {
    for (const isolate of (this.#idle.get(scenario) ?? []).splice(0, 1)) if (isolate.alive) return isolate;
    const spare = this.#spare;
    this.#spare = undefined;
    const isolate = await (spare ?? this.#start());
    this.warm();
    return isolate.alive ? isolate : this.#start();
  }

  release(scenario: string, isolate: IsolateClient): void {
    const idle = this.#idle.get(scenario) ?? [];
    if (!isolate.alive || idle.length >= this.#options.idleLimit) return this.discard(isolate);
    idle.push(isolate);
    this.#idle.set(scenario, idle);
  }

  discard(isolate: IsolateClient): void {
    this.#all.delete(isolate);
    isolate.process.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#spare?.catch(() => undefined);
    await Promise.all([...this.#all].map((isolate) => isolate[Symbol.asyncDispose]()));
  }

  async #start(): Promise<IsolateClient> {
    const { confinement, memoryBytes } = this.#options;
    const isolate = await IsolateClient.start({ readOnly: [], memoryBytes, confinement });
    this.#all.add(isolate);
    return isolate;
  }
}
