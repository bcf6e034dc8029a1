import type { MountedProduct } from "#contract/engine.ts";
import type { JobOffer } from "#contract/runner.ts";
import { canonicalJson } from "#kernel/canonical-json.ts";
import { AppError, isAppError } from "#kernel/errors.ts";
import type { Confinement } from "./confinement/index.ts";
import { EngineClient } from "./engine-client.ts";
import { mountedFiles } from "./mounted-files.ts";
import type { HeldProducts, ProductSource } from "./product-cache.ts";
import { ScenarioPool } from "./scenario-pool.ts";

export type MountedScenario = JobOffer["scenario"];

export interface EnginePoolOptions {
  confinement: Confinement;
  threads: number;
  /** Of a statement that runs while no other job does. */
  threadsAlone?: number;
  /** Most engines that wait idle, all scenarios together. */
  idleLimit: number;
  /** Where products come from that do not lie where the offer says. */
  products?: ProductSource;
}

/** What decides what an engine holds and may use: one that differs in any of it is another engine. */
export interface EngineNeeds {
  scenario: MountedScenario;
  /** Limit of the job's class. */
  memoryBytes: number;
  /** By which products are fetched that are not on this machine; no part of what an engine is. */
  lease?: string;
}

/**
 * Engines by scenario and memory class. An engine is never used for another scenario, nor after its products,
 * joins or visibility changed.
 */
export class EnginePool implements AsyncDisposable {
  readonly #options: EnginePoolOptions;
  readonly #pool: ScenarioPool<EngineClient>;
  /** Scenario of each key that was ever asked for and may be idle. */
  readonly #scenarios = new Map<string, string>();

  constructor(options: EnginePoolOptions) {
    this.#options = options;
    this.#pool = new ScenarioPool(options);
  }

  /** An engine that has the scenario open, warm when there is one. Throws `product_unavailable`, `process_failed`. */
  async acquire(needs: EngineNeeds): Promise<EngineClient> {
    return this.#pool.acquire(engineKey(needs), async () => this.#start(needs));
  }

  /** Gives an engine back. */
  release(needs: EngineNeeds, engine: EngineClient): void {
    const key = engineKey(needs);
    this.#scenarios.set(key, needs.scenario.id);
    this.#pool.release(key, engine, async () => this.#start(needs));
  }

  /** Scenarios of which an engine waits idle. */
  get warmScenarios(): string[] {
    const idle = new Set(this.#pool.idleKeys);
    for (const key of this.#scenarios.keys()) if (!idle.has(key)) this.#scenarios.delete(key);
    return [...new Set(this.#scenarios.values())];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
  }

  /** The files are held for as long as the engine lives. */
  async #start(needs: EngineNeeds): Promise<EngineClient> {
    const { lease, scenario } = needs;
    const held = await this.#hold(lease, scenario.products);
    if (!held) return this.#open(needs, scenario.products);
    try {
      const engine = await this.#open(needs, held.products);
      engine.process.onEnd(held.release);
      return engine;
    } catch (error) {
      held.release();
      throw error;
    }
  }

  /** Engines that wait idle hold files too: they go when there is no room otherwise. */
  async #hold(lease: string | undefined, products: readonly MountedProduct[]): Promise<HeldProducts | undefined> {
    const source = this.#options.products;
    if (!source || lease === undefined) return undefined;
    try {
      return await source.hold(lease, products);
    } catch (error) {
      if (!isAppError(error, "product_unavailable") || error.details?.["reason"] !== "cache_full") throw error;
      await this.#pool.discardIdle();
      return source.hold(lease, products);
    }
  }

  async #open({ scenario, memoryBytes }: EngineNeeds, products: readonly MountedProduct[]): Promise<EngineClient> {
    const { confinement, threads, threadsAlone } = this.#options;
    const { id, visibility, joins } = scenario;
    const readOnly = mountedFiles(products);
    const engine = await EngineClient.start({ readOnly, memoryBytes, confinement });
    const open = {
      op: "open" as const,
      scenario: id,
      visibility,
      joins,
      products: [...products],
      threads,
      ...(threadsAlone === undefined ? {} : { threadsAlone }),
      memoryBytes,
    };
    const { answer } = await engine.ask(open);
    if (answer.ok) return engine;
    engine.process.kill();
    throw new AppError("product_unavailable", undefined, { details: { reasonCode: answer.code } });
  }
}

function engineKey({ scenario, memoryBytes }: Omit<EngineNeeds, "lease">): string {
  const { id, visibility, joins, products } = scenario;
  const mounts = products.map(({ id: product, version, columns }: MountedProduct) => ({
    product,
    version,
    columns: columns.map((column) => [column.name, column.role]),
  }));
  return canonicalJson({ id, visibility, joins, mounts, memoryBytes });
}
