import { AppError } from "#kernel/errors.ts";
import type { ConfinedProcess } from "./confined-process.ts";

/** What a pool keeps: a client of one confined process. */
export interface Pooled extends AsyncDisposable {
  readonly process: ConfinedProcess;
  readonly alive: boolean;
}

export interface ScenarioPoolOptions {
  /** Most processes that wait idle, all keys together. */
  idleLimit: number;
  /** Jobs that a process serves before a fresh one takes its place (default 1,000): whatever it gathers is bounded. */
  maxUses?: number;
}

const MAX_USES = 1000;

/**
 * Processes by key (a scenario and all that decides what its process holds). A process serves one key from its start
 * to its end, and one job at a time, so that what a job breaks harms no other. One that a job has broken is replaced
 * in the background.
 */
export class ScenarioPool<T extends Pooled> implements AsyncDisposable {
  readonly #idleLimit: number;
  readonly #maxUses: number;
  readonly #uses = new WeakMap<T, number>();
  readonly #idle = new Map<string, T[]>();
  readonly #warming = new Map<string, Promise<T | undefined>>();
  readonly #all = new Set<T>();
  #closed = false;

  constructor({ idleLimit, maxUses = MAX_USES }: ScenarioPoolOptions) {
    this.#idleLimit = idleLimit;
    this.#maxUses = maxUses;
  }

  /** A process of this key: an idle one, one that is being warmed, or a new one. Throws what `start` throws. */
  async acquire(key: string, start: () => Promise<T>): Promise<T> {
    const idle = this.#idle.get(key) ?? [];
    for (let next = idle.pop(); next; next = idle.pop()) {
      if (next.alive) return next;
      this.#all.delete(next);
    }
    const warming = this.#warming.get(key);
    this.#warming.delete(key);
    const warmed = await warming;
    return warmed?.alive ? warmed : this.#start(start);
  }

  /** Gives a process back. One that died or served long enough is replaced ahead of the next job; one too many ends. */
  release(key: string, item: T, start: () => Promise<T>): void {
    const uses = (this.#uses.get(item) ?? 0) + 1;
    this.#uses.set(item, uses);
    if (this.#closed || !item.alive || uses >= this.#maxUses) {
      this.discard(item);
      return this.#warm(key, start);
    }
    this.#keep(key, item);
  }

  /** Ends a process that must not serve again. */
  discard(item: T): void {
    this.#all.delete(item);
    item.process.kill();
  }

  /** Keys of which a process waits idle. */
  get idleKeys(): string[] {
    return [...this.#idle].filter(([, items]) => items.some(({ alive }) => alive)).map(([key]) => key);
  }

  /** Ends all that wait idle; resolves when they have ended. */
  async discardIdle(): Promise<void> {
    const idle = [...this.#idle.values()].flat();
    this.#idle.clear();
    for (const item of idle) this.discard(item);
    await Promise.all(idle.map(async ({ process }) => process.ended));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#warming.values());
    await Promise.all([...this.#all].map((item) => item[Symbol.asyncDispose]()));
  }

  #keep(key: string, item: T): void {
    const idle = this.#idle.get(key) ?? [];
    idle.push(item);
    // re-inserted at the end: the map's order is the order of last use
    this.#idle.delete(key);
    this.#idle.set(key, idle);
    this.#evict();
  }

  async #start(start: () => Promise<T>): Promise<T> {
    const item = await start();
    this.#all.add(item);
    if (!this.#closed) return item;
    this.discard(item);
    throw new AppError("process_failed", "the runner is stopping");
  }

  /** A start that fails here shows when the next job starts its own. */
  #warm(key: string, start: () => Promise<T>): void {
    if (this.#closed || this.#warming.has(key) || (this.#idle.get(key) ?? []).length > 0) return;
    const warming = this.#start(start).then(
      (item) => {
        // taken by a job that waited for it, or by nobody: then it waits with the idle ones
        if (this.#warming.get(key) === warming) {
          this.#warming.delete(key);
          this.#keep(key, item);
        }
        return item;
      },
      () => {
        if (this.#warming.get(key) === warming) this.#warming.delete(key);
        return undefined;
      },
    );
    this.#warming.set(key, warming);
  }

  #evict(): void {
    let idle = [...this.#idle.values()].reduce((sum, items) => sum + items.length, 0);
    for (const [key, items] of this.#idle) {
      while (idle > this.#idleLimit && items.length > 0) {
        this.discard(items.shift()!);
        idle--;
      }
      if (items.length === 0) this.#idle.delete(key);
    }
  }
}
