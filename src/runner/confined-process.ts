import type { Readable, Writable } from "node:stream";
import { encodeFrame, type Frame, FrameDecoder } from "#contract/frame.ts";
import { AppError } from "#kernel/errors.ts";
import {
  descendantsOf,
  launch,
  type Launched,
  type LaunchOptions,
  type ProcessUsage,
  signalOfCode,
  usageOf,
} from "./confinement/index.ts";

/** How a process ended. */
export interface ProcessEnd {
  code: number | null;
  /** The program's, also when it ran inside others. */
  signal: NodeJS.Signals | null;
  /** We ended it. */
  requested: boolean;
  /** What it broke of the protocol, when it was ended for that. */
  breach?: string;
  /**
   * `escape_tried`: it made a system call that nobody makes by mistake and the kernel ended it for that.
   * `out_of_memory`: the kernel ended it at the limit of its control group; without one, what runs into its limit
   * fails in its own way and is `signalled` or `exited`.
   */
  how: "requested" | "escape_tried" | "out_of_memory" | "killed" | "signalled" | "exited";
}

const DRAIN_BYTES = 64 * 1024;
const READY_TIMEOUT_MS = 20_000;

/** A confined process and its frames. The wall clock belongs to the caller; `kill` always works. */
export class ConfinedProcess implements AsyncDisposable {
  readonly ended: Promise<ProcessEnd>;
  readonly #launched: Launched;
  readonly #decoder = new FrameDecoder();
  #listener: (frame: Frame) => void = () => undefined;
  #killed = false;
  #alive = true;
  #stderr = "";
  #usage: ProcessUsage = { cpuMs: 0, peakMemoryBytes: 0 };
  #breach: string | undefined;
  /** The program itself, where others stand around it. */
  #inner: number | undefined;

  private constructor(launched: Launched) {
    this.#launched = launched;
    const { child, group } = launched;
    this.ended = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null) => {
        this.#alive = false;
        const breach = this.#breach === undefined ? {} : { breach: this.#breach };
        const seen = { code, signal: signal ?? signalOfCode(code), requested: this.#killed, ...breach };
        const told = endOf(seen, launched);
        // nothing of it is left when its end is told
        (group?.remove() ?? Promise.resolve()).then(
          () => resolve(told),
          () => resolve(told),
        );
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
    return this.#launched.child.pid;
  }

  /**
   * What the program has used since its start, seen from outside; the last that was seen when it has ended. A process
   * that serves several jobs is asked before and after each.
   */
  usage(): ProcessUsage {
    if (this.#alive && this.pid !== undefined) {
      this.#inner ??= descendantsOf(this.pid).at(-1);
      this.#usage = usageOf(this.#inner ?? this.pid) ?? this.#usage;
    }
    return this.#usage;
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
    const input = this.#launched.child.stdio[3] as Writable;
    // one system call, which wakes the process once
    input.cork();
    for (const chunk of encodeFrame(header, parts)) input.write(chunk);
    input.uncork();
  }

  /** Closes its input, so that it can end by itself, and kills it after the grace time. */
  end(graceMs: number): void {
    (this.#launched.child.stdio[3] as Writable).end();
    const timer = setTimeout(() => this.kill(), graceMs);
    this.onEnd(() => clearTimeout(timer));
  }

  /** Ends a process that broke the protocol: it no longer runs our code as written. `what` is a code. */
  breakOff(what: string): void {
    this.#breach ??= what;
    this.kill();
  }

  /** Ends it and all that is inside at once. */
  kill(): void {
    this.#killed = true;
    if (!this.#alive) return;
    this.usage();
    this.#launched.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.ended;
  }

  #wire(): void {
    const output = this.#launched.child.stdio[4] as Readable;
    output.on("data", (chunk: Buffer) => this.#receive(chunk));
    output.on("error", () => this.kill());
    // a process that ends while we write is seen by its exit
    (this.#launched.child.stdio[3] as Writable).on("error", () => undefined);
    this.#launched.child.stdout?.on("data", () => undefined);
    this.#launched.child.stderr?.on("data", (chunk: Buffer) => {
      if (this.#stderr.length < DRAIN_BYTES) this.#stderr += chunk.toString("latin1");
    });
  }

  #receive(chunk: Buffer): void {
    let frames: Frame[];
    try {
      frames = this.#decoder.push(chunk);
    } catch {
      // its end tells the waiting caller
      return this.breakOff("frame");
    }
    for (const frame of frames) this.#listener(frame);
  }
}

function endOf(end: Omit<ProcessEnd, "how">, { group }: Launched): ProcessEnd {
  if (end.requested) return { ...end, how: "requested" };
  if (end.signal === "SIGSYS") return { ...end, how: "escape_tried" };
  if (group?.wasOutOfMemory() === true) return { ...end, how: "out_of_memory" };
  // a control group counts what it kills: this was somebody else
  if (group !== undefined && end.signal === "SIGKILL") return { ...end, how: "killed" };
  return { ...end, how: end.signal === null ? "exited" : "signalled" };
}
