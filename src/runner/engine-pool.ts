import type { MountedProduct } from "#contract/engine.ts";
import type { JobOffer } from "#contract/runner.ts";
import { canonicalJson } from "#kernel/canonical-json.ts";
import { AppError } from "#kernel/errors.ts";
import type { Confinement } from "./confinement/index.ts";
import { EngineClient } from "./engine-client.ts";
import { mountedFiles } from "./mounted-files.ts";
import { ScenarioPool } from "./scenario-pool.ts";

export type MountedScenario = JobOffer["scenario"];

export interface EnginePoolOptions {
  confinement: Confinement;
  threads: number;
  /** Most engines that wait idle, all scenarios together. */
  idleLimit: number;
}

/** What decides what an engine holds and may use: one that differs in any of it is another engine. */
export interface EngineNeeds {
  scenario: MountedScenario;
  /** Limit of the job's class. */
  memoryBytes: number;
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

  async #start({ scenario, memoryBytes }: EngineNeeds): Promise<EngineClient> {
    const { confinement, threads } = this.#options;
    const { id, visibility, joins, products } = scenario;
    const readOnly = mountedFiles(products);
    const engine = await EngineClient.start({ readOnly, memoryBytes, confinement });
    const open = { op: "open" as const, scenario: id, visibility, joins, products, threads, memoryBytes };
    const { answer } = await engine.ask(open);
    if (answer.ok) return engine;
    engine.process.kill();
    throw new AppError("product_unavailable", undefined, { details: { reasonCode: answer.code } });
  }
}

function engineKey({ scenario, memoryBytes }: EngineNeeds): string {
  const { id, visibility, joins, products } = scenario;
  const mounts = products.map(({ id: product, version, columns }: MountedProduct) => ({
    product,
    version,
    columns: columns.map((column) => [column.name, column.role]),
  }));
  return canonicalJson({ id, visibility, joins, mounts, memoryBytes });
}
