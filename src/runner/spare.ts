/** One started process kept ready, so that the first job of a scenario need not wait for a start. */
export class Spare<T extends { readonly alive: boolean }> {
  readonly #start: () => Promise<T>;
  #ready: Promise<T> | undefined;
  #closed = false;

  constructor(start: () => Promise<T>) {
    this.#start = start;
  }

  /** Starts the next one ahead. A start that fails shows when it is taken, as a start of its own. */
  warm(): void {
    if (this.#closed || this.#ready) return;
    const ready = this.#start();
    this.#ready = ready;
    ready.catch(() => {
      if (this.#ready === ready) this.#ready = undefined;
    });
  }

  async take(): Promise<T> {
    const ready = this.#ready;
    this.#ready = undefined;
    const spare = await ready?.catch(() => undefined);
    const taken = spare?.alive ? spare : await this.#start();
    this.warm();
    return taken;
  }

  /** Starts no more, and waits for one that is starting. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#ready?.catch(() => undefined);
  }
}
