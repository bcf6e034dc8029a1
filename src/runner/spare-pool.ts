import { type Pooled, ScenarioPool } from "./scenario-pool.ts";
import { Spare } from "./spare.ts";

export interface SparePoolOptions<T> {
  /** Starts a process that holds nothing of any scenario yet. */
  start(): Promise<T>;
  /** Most processes that wait idle, all scenarios together. */
  idleLimit: number;
  /** Jobs that a process serves before it ends. */
  maxUses?: number;
}

/**
 * Processes that hold no data of their own, by scenario. One that served a scenario is never used for another; a
 * fresh one is kept ready, so that the first job of a scenario need not wait for a start.
 */
export class SparePool<T extends Pooled> implements AsyncDisposable {
  readonly #pool: ScenarioPool<T>;
  readonly #spare: Spare<T>;

  constructor({ start, ...limits }: SparePoolOptions<T>) {
    this.#pool = new ScenarioPool(limits);
    this.#spare = new Spare(async () => start());
  }

  warm(): void {
    this.#spare.warm();
  }

  /** Throws `process_failed`. */
  async acquire(scenario: string): Promise<T> {
    return this.#pool.acquire(scenario, async () => this.#spare.take());
  }

  release(scenario: string, item: T): void {
    // a dead one needs no replacement: the spare is one
    if (item.alive) this.#pool.release(scenario, item, async () => this.#spare.take());
    else this.discard(item);
  }

  /** Ends a process that must not serve again, such as one that has seen rows. */
  discard(item: T): void {
    this.#pool.discard(item);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#spare[Symbol.asyncDispose](), this.#pool[Symbol.asyncDispose]()]);
  }
}
