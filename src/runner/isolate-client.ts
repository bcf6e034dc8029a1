import { Compile } from "typebox/compile";
import type { Frame } from "#contract/frame.ts";
import {
  type IsolateDone,
  type IsolateLog,
  type IsolateOutput,
  type IsolateQuery,
  type IsolateQueryResult,
  type IsolateRun,
  IsolateSays,
} from "#contract/isolate.ts";
import { AppError } from "#kernel/errors.ts";
import { ConfinedProcess } from "./confined-process.ts";
import type { LaunchOptions } from "./confinement/index.ts";

export interface ScriptListeners {
  onQuery(message: IsolateQuery): void;
  onLog(lines: IsolateLog["lines"]): void;
  onOutput(message: IsolateOutput, part: Uint8Array | undefined): void;
}

/** Compiled: each message is checked. */
const says = Compile(IsolateSays);

type QueryReply = Pick<IsolateQueryResult, "ok" | "code" | "message">;

/** Runs scripts in one isolate process, one after another. */
export class IsolateClient implements AsyncDisposable {
  readonly process: ConfinedProcess;
  #next = 1;
  #busy = false;

  private constructor(confined: ConfinedProcess) {
    this.process = confined;
  }

  static async start(options: Omit<LaunchOptions, "role">): Promise<IsolateClient> {
    return new IsolateClient(await ConfinedProcess.start({ ...options, role: "isolate" }));
  }

  get alive(): boolean {
    return this.process.alive;
  }

  /** Whether a script is in it that has not ended. */
  get busy(): boolean {
    return this.#busy;
  }

  /** Runs a script to its end. Throws `process_failed` when the process ends first. */
  async run(message: Omit<IsolateRun, "id">, listeners: ScriptListeners): Promise<IsolateDone> {
    const id = this.#next++;
    const { promise, resolve, reject } = Promise.withResolvers<IsolateDone>();
    this.process.onFrame((frame) => this.#receive(frame, id, { listeners, resolve }));
    this.process.onEnd(() => reject(new AppError("process_failed")));
    // a message that cannot be sent throws before anybody waits for the answer
    promise.catch(() => undefined);
    this.process.send({ ...message, id });
    this.#busy = true;
    const done = await promise;
    this.#busy = false;
    return done;
  }

  /** `table`: JSON of a `ScriptTable` and the Arrow stream that it describes. */
  answer(query: IsolateQuery, reply: QueryReply, table: readonly [Uint8Array, Uint8Array] | readonly [] = []): void {
    if (!this.alive) return;
    this.process.send({ op: "query_result", id: query.id, query: query.query, ...reply }, table);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }

  #receive(frame: Frame, id: number, run: { listeners: ScriptListeners; resolve: (done: IsolateDone) => void }): void {
    const { parts: _lengths, ...message } = frame.header;
    // INVARIANT: what an isolate process says is checked before it is believed in any part
    if (!says.Check(message) || message.id !== id) return this.process.breakOff("message");
    if (message.op === "query") run.listeners.onQuery(message);
    else if (message.op === "log") run.listeners.onLog(message.lines);
    else if (message.op === "output") run.listeners.onOutput(message, frame.parts[0]);
    else run.resolve(message);
  }
}
