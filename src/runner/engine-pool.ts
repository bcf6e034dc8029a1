import type { MountedProduct } from "#contract/engine.ts";
import type { JobOffer } from "#contract/runner.ts";
import { canonicalJson } from "#kernel/canonical-json.ts";
import { AppError } from "#kernel/errors.ts";
import type { Confinement } from "./confinement/index.ts";
import { EngineClient } from "./engine-client.ts";
import { mountedFiles } from "./mounted-files.ts";

export type MountedScenario = JobOffer["scenario"];

export interface EnginePoolOptions {
  confinement: Confinement;
  threads: number;
  memoryBytes: number;
  /** Most engines that wait idle, all scenarios together. */
  idleLimit: number;
}

/**
 * Engines by scenario: one job at a time has an engine, so that what it breaks harms no other job. An engine is
 * never used for another scenario, nor after its products, joins or visibility changed.
 */
export class EnginePool implements AsyncDisposable {
  readonly #options: EnginePoolOptions;
  readonly #idle = new Map<string, EngineClient[]>();
  readonly #all = new Set<EngineClient>();

  constructor(options: EnginePoolOptions) {
    this.#options = options;
  }

  /** An engine that has the scenario open, warm when there is one. Throws `product_unavailable`, `process_failed`. */
  async acquire(scenario: MountedScenario): Promise<EngineClient> {
    const key = engineKey(scenario);
    for (const engine of (this.#idle.get(key) ?? []).splice(0, 1)) if (engine.alive) return engine;
    return this.#start(scenario);
  }

  /** Gives an engine back. One that died, or is one too many, ends. */
  release(scenario: MountedScenario, engine: EngineClient): void {
    if (!engine.alive) return this.discard(engine);
    const key = engineKey(scenario);
    const idle = this.#idle.get(key) ?? [];
    idle.push(engine);
    // re-inserted at the end: the map's order is the order of last use
    this.#idle.delete(key);
    this.#idle.set(key, idle);
    this.#evict();
  }

  discard(engine: EngineClient): void {
    this.#all.delete(engine);
    engine.process.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#all].map((engine) => engine[Symbol.asyncDispose]()));
  }

  async #start(scenario: MountedScenario): Promise<EngineClient> {
    const { confinement, threads, memoryBytes } = this.#options;
    const readOnly = mountedFiles(scenario.products);
    const engine = await EngineClient.start({ readOnly, memoryBytes, confinement });
    this.#all.add(engine);
    const { id, visibility, joins, products } = scenario;
    const { answer } = await engine.ask({
      op: "open",
      scenario: id,
      visibility,
      joins,
      products,
      threads,
      memoryBytes,
    });
    if (answer.ok) return engine;
    this.discard(engine);
    throw new AppError("product_unavailable", undefined, { details: { reasonCode: answer.code } });
  }

  #evict(): void {
    let idle = [...this.#idle.values()].reduce((sum, engines) => sum + engines.length, 0);
    for (const [key, engines] of this.#idle) {
      while (idle > this.#options.idleLimit && engines.length > 0) {
        this.discard(engines.shift()!);
        idle--;
      }
      if (engines.length === 0) this.#idle.delete(key);
    }
  }
}

function engineKey({ id, visibility, joins, products }: MountedScenario): string {
  const mounts = products.map(({ id: product, version, columns }: MountedProduct) => ({
    product,
    version,
    columns: columns.map((column) => [column.name, column.role]),
  }));
  return canonicalJson({ id, visibility, joins, mounts });
}
