import type { Confinement } from "./confinement/index.ts";
import { IsolateClient } from "./isolate-client.ts";
import { Spare } from "./spare.ts";

/**
 * Isolate processes by scenario. A process that ran a script of one scenario is never used for another; a fresh
 * one is kept ready so that the first script of a scenario need not wait for a start.
 */
export class IsolatePool implements AsyncDisposable {
  readonly #options: { confinement: Confinement; memoryBytes: number; idleLimit: number };
  readonly #idle = new Map<string, IsolateClient[]>();
  readonly #all = new Set<IsolateClient>();
  readonly #spare = new Spare(async () => this.#start());

  constructor(options: { confinement: Confinement; memoryBytes: number; idleLimit: number }) {
    this.#options = options;
  }

  warm(): void {
    this.#spare.warm();
  }

  async acquire(scenario: string): Promise<IsolateClient> {
    for (const isolate of (this.#idle.get(scenario) ?? []).splice(0, 1)) if (isolate.alive) return isolate;
    return this.#spare.take();
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
    await this.#spare.close();
    await Promise.all([...this.#all].map((isolate) => isolate[Symbol.asyncDispose]()));
  }

  async #start(): Promise<IsolateClient> {
    const { confinement, memoryBytes } = this.#options;
    const isolate = await IsolateClient.start({ readOnly: [], memoryBytes, confinement });
    this.#all.add(isolate);
    return isolate;
  }
}
