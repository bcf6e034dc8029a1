import type { ConfinedProcess } from "./confined-process.ts";
import type { FallenProcess, ProcessRole } from "./job-events.ts";

export type WatchVerdict = "timeout" | "cancelled";

/**
 * The job's wall clock. It and the cancellation end processes, not promises: what a process does inside is not
 * asked.
 */
export class Watch implements Disposable {
  readonly #watched = new Map<ConfinedProcess, ProcessRole>();
  readonly #cancel: AbortSignal;
  readonly #onCancel = (): void => this.#fire("cancelled");
  readonly #stopped: ProcessRole[] = [];
  #verdict: WatchVerdict | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(cancel: AbortSignal) {
    this.#cancel = cancel;
    cancel.addEventListener("abort", this.#onCancel);
    if (cancel.aborted) this.#onCancel();
  }

  get verdict(): WatchVerdict | undefined {
    return this.#verdict;
  }

  /** The processes that the verdict ended. */
  get stopped(): readonly ProcessRole[] {
    return this.#stopped;
  }

  /** Whether the job's own code has begun: before that, what fails is the runner's. */
  get started(): boolean {
    return this.#timer !== undefined;
  }

  /** Ends the process with the job; at once when the job is over already. */
  add(role: ProcessRole, confined: ConfinedProcess): void {
    this.#watched.set(confined, role);
    if (this.#verdict) confined.kill();
  }

  /** Starts the job's clock: when its processes are ready, so that a cold start is not the job's. */
  start(wallMs: number): void {
    this.#timer = setTimeout(() => this.#fire("timeout"), wallMs);
  }

  /** A process that the job has used and that has ended by itself. */
  async findFallen(): Promise<FallenProcess | undefined> {
    for (const [confined, role] of this.#watched) if (!confined.alive) return { role, end: await confined.ended };
    return undefined;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#cancel.removeEventListener("abort", this.#onCancel);
  }

  #fire(verdict: WatchVerdict): void {
    if (this.#verdict) return;
    this.#verdict = verdict;
    for (const [confined, role] of this.#watched) {
      if (confined.alive) this.#stopped.push(role);
      confined.kill();
    }
  }
}
