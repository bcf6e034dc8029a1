import type { ChildProcess } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { encodeFrame, type Frame, FrameDecoder } from "#contract/frame.ts";
import { AppError } from "#kernel/errors.ts";
import { launch, type LaunchOptions } from "./confinement.ts";

/** How a process ended; `requested` when we ended it. */
export interface ProcessEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  requested: boolean;
}

const DRAIN_BYTES = 64 * 1024;
const READY_TIMEOUT_MS = 20_000;

/** A confined process and its frames. The wall clock belongs to the caller; `kill` always works. */
export class ConfinedProcess implements AsyncDisposable {
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcess;
  readonly #decoder = new FrameDecoder();
  #listener: (frame: Frame) => void = () => undefined;
  #killed = false;
  #alive = true;
  #stderr = "";

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.ended = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null) => {
        this.#alive = false;
        resolve({ code, signal, requested: this.#killed });
      };
      child.once("exit", end);
      child.once("error", () => end(null, null));
    });
    this.#wire();
  }

  /** Starts a process and waits until it says that it can take requests. Throws `process_failed`. */
  static async start(options: LaunchOptions): Promise<ConfinedProcess> {
    const confined = new ConfinedProcess(launch(options));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = (message: string) => reject(new AppError("process_failed", message, { cause: confined.#stderr }));
    const timer = setTimeout(() => fail(`${options.role} did not start in time`), READY_TIMEOUT_MS);
    confined.onFrame((frame) => (frame.header["op"] === "ready" ? resolve() : fail(`${options.role} did not greet`)));
    confined.onEnd(() => fail(`${options.role} ended at its start`));
    try {
      await promise;
      return confined;
    } catch (error) {
      confined.kill();
      throw error;
    } finally {
      clearTimeout(timer);
      confined.onFrame(() => undefined);
    }
  }

  /** False from the moment that it is killed, before the kernel has ended it. */
  get alive(): boolean {
    return this.#alive && !this.#killed;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** What the process wrote to stderr, capped. For the operator's log only: it may carry data. */
  get stderrTail(): string {
    return this.#stderr;
  }

  /** Calls back when the process has ended. */
  onEnd(listener: (end: ProcessEnd) => void): void {
    this.ended.then(listener, () => undefined);
  }

  onFrame(listener: (frame: Frame) => void): void {
    this.#listener = listener;
  }

  send(header: Record<string, unknown>, parts: readonly Uint8Array[] = []): void {
    if (!this.alive) throw new AppError("process_failed", "the process has ended");
    const input = this.#child.stdio[3] as Writable;
    for (const chunk of encodeFrame(header, parts)) input.write(chunk);
  }

  /** Closes its input, so that it can end by itself, and kills it after the grace time. */
  end(graceMs: number): void {
    (this.#child.stdio[3] as Writable).end();
    const timer = setTimeout(() => this.kill(), graceMs);
    this.onEnd(() => clearTimeout(timer));
  }

  /** Ends the whole process group at once. */
  kill(): void {
    this.#killed = true;
    if (!this.#alive || this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, "SIGKILL");
    } catch (error) {
      // the group may have ended between the check and the call
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.ended;
  }

  #wire(): void {
    const output = this.#child.stdio[4] as Readable;
    output.on("data", (chunk: Buffer) => this.#receive(chunk));
    output.on("error", () => this.kill());
    // a process that ends while we write is seen by its exit
    (this.#child.stdio[3] as Writable).on("error", () => undefined);
    this.#child.stdout?.on("data", () => undefined);
    this.#child.stderr?.on("data", (chunk: Buffer) => {
      if (this.#stderr.length < DRAIN_BYTES) this.#stderr += chunk.toString("latin1");
    });
  }

  #receive(chunk: Buffer): void {
    let frames: Frame[];
    try {
      frames = this.#decoder.push(chunk);
    } catch {
      // a process that breaks the protocol is ended; its end tells the waiting caller
      return this.kill();
    }
    for (const frame of frames) this.#listener(frame);
  }
}
