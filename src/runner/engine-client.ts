import { Compile } from "typebox/compile";
import { EngineAnswer, type EngineRequest } from "#contract/engine.ts";
import type { Frame } from "#contract/frame.ts";
import { AppError } from "#kernel/errors.ts";
import { ConfinedProcess } from "./confined-process.ts";
import type { LaunchOptions } from "./confinement/index.ts";

/** An engine request without its number. */
export type EngineCall = EngineRequest extends infer R ? (R extends { id: number } ? Omit<R, "id"> : never) : never;

export interface EngineReply {
  answer: EngineAnswer;
  parts: Uint8Array[];
}

/** Compiled: each answer is checked. */
const answers = Compile(EngineAnswer);

interface Waiting {
  resolve: (reply: EngineReply) => void;
  reject: (error: unknown) => void;
}

/** Asks one engine process; a call ends with its answer, or with `process_failed` when the process ends first. */
export class EngineClient implements AsyncDisposable {
  readonly process: ConfinedProcess;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;

  private constructor(confined: ConfinedProcess) {
    this.process = confined;
    confined.onFrame((frame) => this.#receive(frame));
    confined.onEnd(() => this.#failAll());
  }

  static async start(options: Omit<LaunchOptions, "role">): Promise<EngineClient> {
    return new EngineClient(await ConfinedProcess.start({ ...options, role: "engine" }));
  }

  get alive(): boolean {
    return this.process.alive;
  }

  /** Whether it works on a call that nobody may wait for any more. */
  get busy(): boolean {
    return this.#waiting.size > 0;
  }

  async ask(call: EngineCall, parts: readonly Uint8Array[] = []): Promise<EngineReply> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      try {
        this.process.send({ ...call, id }, parts);
      } catch (cause) {
        this.#waiting.delete(id);
        reject(new AppError("process_failed", undefined, { cause }));
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }

  #receive({ header, parts }: Frame): void {
    const { parts: _lengths, ...answer } = header;
    if (!answers.Check(answer)) return this.process.breakOff("message");
    const waiting = this.#waiting.get(answer.id);
    if (!waiting) return this.process.breakOff("message");
    this.#waiting.delete(answer.id);
    waiting.resolve({ answer, parts });
  }

  #failAll(): void {
    for (const { reject } of this.#waiting.values()) reject(new AppError("process_failed"));
    this.#waiting.clear();
  }
}
