import type { Readable, Writable } from "node:stream";
import { Value } from "typebox/value";
import {
  EngineRequest,
  type EngineAnswer,
  type EngineOpen,
  type EngineRender,
  type EngineTable,
} from "#contract/engine.ts";
import { encodeFrame, FrameDecoder, type Frame } from "#contract/frame.ts";
import type { ReasonCode } from "#contract/job.ts";
import { AppError, isAppError } from "#kernel/errors.ts";
import { OutputTooLarge } from "./arrow/index.ts";
import type { Mount } from "./instance.ts";
import { InvalidTable, renderTable, tableFromJson } from "./render/index.ts";
import { EngineSession, QueryRefused } from "./session.ts";

export interface EnginePipes {
  input: Readable;
  output: Writable;
  pid: number;
  /** Tests mount tables of their own. */
  mount?: Mount;
  /** Locks the process, all its threads: no file, socket or process afterwards. May be called again. */
  lock?(): void;
}

interface Reply {
  answer: EngineAnswer;
  parts?: Uint8Array[];
}

/** Serves requests until the input ends. A frame that breaks the protocol ends the process: nobody is there to ask. */
export async function serveEngine(pipes: EnginePipes): Promise<void> {
  const engine = new Engine(pipes);
  const send = (header: Record<string, unknown>, parts: readonly Uint8Array[] = []): void => {
    const pieces = encodeFrame(header, parts);
    pipes.output.cork();
    for (const piece of pieces) pipes.output.write(piece);
    pipes.output.uncork();
  };
  const reply = ({ answer, parts }: Reply): void => {
    try {
      send(answer, parts);
    } catch (error) {
      if (!isAppError(error, "frame_invalid")) throw error;
      send({ id: answer.id, ok: false, code: "output_too_large", findings: [] } satisfies EngineAnswer);
    }
  };
  send({ op: "ready", role: "engine", pid: pipes.pid });
  const decoder = new FrameDecoder();
  const underway = new Set<Promise<void>>();
  for await (const chunk of pipes.input) {
    for (const frame of decoder.push(chunk as Uint8Array)) {
      const work = engine
        .answer(frame)
        .then(reply)
        .catch((error: unknown) => void pipes.input.destroy(error as Error))
        .finally(() => underway.delete(work));
      underway.add(work);
    }
  }
  await Promise.all(underway);
  await engine[Symbol.asyncDispose]();
}

/** Holds the one session of the process. */
class Engine implements AsyncDisposable {
  readonly #mount: Mount | undefined;
  readonly #lock: () => void;
  #session: Promise<EngineSession> | undefined;

  constructor({ mount, lock }: EnginePipes) {
    this.#mount = mount;
    this.#lock = () => lock?.();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#session)?.[Symbol.asyncDispose]();
  }

  async answer({ header, parts }: Frame): Promise<Reply> {
    const { parts: _lengths, ...request } = header;
    if (!Value.Check(EngineRequest, request)) throw new AppError("frame_invalid", "the request does not have its form");
    try {
      return await this.#answer(request, parts);
    } catch (error) {
      return { answer: { id: request.id, ok: false, ...refusalOf(error) } };
    }
  }

  async #answer(request: EngineRequest, parts: readonly Uint8Array[]): Promise<Reply> {
    // INVARIANT: what is of a developer's is touched under the lock only: queries, tables and results to render
    if (request.op !== "open") this.#lock();
    switch (request.op) {
      case "open":
        return this.#openSession(request);
      case "query":
        if (!this.#session) throw new AppError("frame_invalid", "no products are mounted");
        return (await this.#session).query(request);
      case "table":
        return makeTable(request, parts[0]);
      case "render":
        return render(request, parts[0]);
    }
  }

  /** INVARIANT: one process serves one scenario from `open` to its end. */
  async #openSession(open: EngineOpen): Promise<Reply> {
    if (this.#session) throw new AppError("frame_invalid", "products are mounted already");
    const started = performance.now();
    this.#session = EngineSession.open(open, this.#mount);
    await this.#session.catch((cause: unknown) => {
      this.#session = undefined;
      throw cause;
    });
    this.#lock();
    return { answer: { id: open.id, ok: true, op: "open", stages: { open: performance.now() - started } } };
  }
}

function makeTable(request: EngineTable, json: Uint8Array | undefined): Reply {
  if (!json) throw new AppError("frame_invalid", "the table has no rows");
  const { maxRows, maxBytes, name, id } = request;
  if (json.byteLength > maxBytes) throw new OutputTooLarge("bytes");
  const { bytes, rowCount, columns } = tableFromJson(parseJson(json), { maxRows, maxBytes });
  const output = { name, kind: "table" as const, rows: rowCount, bytes: bytes.byteLength, columns, suppressed: 0 };
  return { answer: { id, ok: true, op: "table", output }, parts: [bytes] };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"));
  } catch {
    // The parser's text quotes what it read.
    throw new InvalidTable("the table is not JSON");
  }
}

function render(request: EngineRender, arrow: Uint8Array | undefined): Reply {
  if (!arrow) throw new AppError("frame_invalid", "there is no table to render");
  const { format, suppressed, notes, maxRows, id } = request;
  const bytes = renderTable(arrow, { format, suppressed, notes, ...(maxRows === undefined ? {} : { maxRows }) });
  return { answer: { id, ok: true, op: "render" }, parts: [bytes] };
}

/** Codes of the closed list only. A product that cannot be mounted and a broken table are the system's fault. */
function refusalOf(error: unknown): { code: ReasonCode; findings: QueryRefused["findings"] } {
  if (error instanceof QueryRefused) return { code: error.code, findings: error.findings };
  if (error instanceof OutputTooLarge) return { code: "output_too_large", findings: [] };
  if (error instanceof InvalidTable) return { code: "output_invalid", findings: [] };
  if (isAppError(error, "bad_arrow_file") || isAppError(error, "object_missing"))
    return { code: "product_unavailable", findings: [] };
  return { code: "runner_fault", findings: [] };
}
