import type { Offer } from "#contract/runner.ts";

/** Under load a job is without others only until the next one comes: it may not count on their processors. */
const CROWDED_MS = 1_000;

/** The work of one kind that a runner has under way. */
export class RunningWork {
  readonly #offers = new Map<Promise<void>, Offer>();
  readonly #nowMs: () => number;
  /** When there was last more than one. */
  #crowdedMs = Number.NEGATIVE_INFINITY;

  constructor(nowMs = (): number => performance.now()) {
    this.#nowMs = nowMs;
  }

  get size(): number {
    return this.#offers.size;
  }

  get offers(): Offer[] {
    return [...this.#offers.values()];
  }

  /** A promise each that ends with the work. */
  get ends(): Promise<void>[] {
    return [...this.#offers.keys()];
  }

  /** Whether there is nothing beside one, and was not for a while. */
  get isLone(): boolean {
    return this.size <= 1 && this.#nowMs() - this.#crowdedMs > CROWDED_MS;
  }

  add(work: Promise<void>, offer: Offer): void {
    this.#offers.set(work, offer);
    this.#noteCrowd();
  }

  delete(work: Promise<void>): void {
    this.#noteCrowd();
    this.#offers.delete(work);
  }

  #noteCrowd(): void {
    if (this.size > 1) this.#crowdedMs = this.#nowMs();
  }
}
