/** One started process kept ready, so that the first job of a scenario need not wait for a start. */
export class Spare<T extends AsyncDisposable & { readonly alive: boolean }> implements AsyncDisposable {
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

  /** Starts no more, and ends the one that waits or is starting. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const spare = await this.#ready?.catch(() => undefined);
    await spare?.[Symbol.asyncDispose]();
  }
}
