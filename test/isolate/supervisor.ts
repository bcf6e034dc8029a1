/** A supervisor for tests: real process, real pipes, a wall clock that kills. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { encodeFrame, type Frame, FrameDecoder } from "../../src/contract/frame.ts";
import {
  DEFAULT_ISOLATE_LIMITS,
  type IsolateDone,
  type IsolateLimits,
  type IsolateOutput,
  type IsolateQuery,
  IsolateSays,
} from "../../src/contract/isolate.ts";
import type { Parameters } from "../../src/contract/job.ts";
import type { ReleasedTable } from "../../src/contract/release.ts";
import { Value } from "typebox/value";
import { scriptParts } from "./script-table.ts";
import { ISOLATE_PROGRAM, prepareProgram } from "../../src/runner/program.ts";

/** A table, the parts of one, or a refusal. */
export type Answer = ReleasedTable | Uint8Array[] | { code: string; message: string };
export type Answerer = (sql: string, query: number) => Answer | Promise<Answer>;

export interface RunOptions {
  parameters?: Parameters;
  nowMs?: number;
  seed?: number;
  limits?: Partial<IsolateLimits>;
  answer?: Answerer;
  wallMs?: number;
}

export interface RunResult {
  /** Absent when the process was killed or died. */
  done: IsolateDone | undefined;
  killed: boolean;
  log: { level: string; text: string }[];
  queries: IsolateQuery[];
  outputs: { kind: string; name: string; query: number | undefined; text: string }[];
  /** Everything that the process wrote to descriptor 4. */
  raw: string;
}

export const NOW_MS = Date.UTC(2026, 10, 23, 8, 30, 0, 123);

export function table(
  columns: Record<string, string>,
  rows: unknown[][],
  rest: Partial<ReleasedTable> = {},
): ReleasedTable {
  return {
    columns: Object.entries(columns).map(([name, type]) => ({ name, type })),
    rows,
    suppressed: 0,
    notes: [],
    ...rest,
  };
}

const SMALL = table({ district: "VARCHAR", n: "BIGINT" }, [
  ["Lucheng", "120"],
  ["Ouhai", "75"],
]);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Makes the program once a test file, in a directory of its own. */
export function makeProgram(): { entry: string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), "isolate-program-"));
  symlinkSync(join(ROOT, "node_modules"), join(directory, "node_modules"));
  const { entry } = prepareProgram(ISOLATE_PROGRAM, directory);
  return { entry, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

export interface IsolateProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ready: Frame;
  readonly stderr: () => string;
  run(script: string, options?: RunOptions): Promise<RunResult>;
  /** Sends a frame as it stands, for protocol tests. */
  send(header: Record<string, unknown>, parts?: readonly Uint8Array[]): void;
  exit(): Promise<{ code: number | null; signal: string | null }>;
}

export async function startIsolate(
  entry: string,
  { env = {}, dataBytes }: { env?: Record<string, string>; dataBytes?: number } = {},
): Promise<IsolateProcess> {
  const limit = dataBytes === undefined ? [] : ["prlimit", `--data=${dataBytes}`, "--core=0", "--"];
  const node = [process.execPath, "--jitless", "--no-node-snapshot", entry];
  const [command, ...args] = limit.length > 0 ? [...limit, ...node] : node;
  const child = spawn(command ?? "", args, {
    stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"],
    cwd: "/",
    env,
  });
  const ended = once(child, "exit") as Promise<[number | null, string | null]>;
  const input = child.stdio[3] as Writable;
  input.on("error", () => undefined);
  let stderr = "";
  child.stdout?.on("data", (chunk: Buffer) => (stderr += chunk.toString("latin1")));
  child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString("latin1")));
  const send = (header: Record<string, unknown>, parts: readonly Uint8Array[] = []): void => {
    for (const piece of encodeFrame(header, parts)) input.write(piece);
  };
  const exit = async () => {
    const [code, signal] = await ended;
    return { code, signal };
  };
  const frames = frameSource(child.stdio[4] as Readable);
  const ready = await Promise.race([frames.next(), exit().then(() => undefined)]);
  if (!ready) throw new Error(`the isolate process did not start: ${stderr}`);
  let id = 0;
  return {
    child,
    pid: child.pid ?? 0,
    ready,
    stderr: () => stderr,
    send,
    exit,
    run: (script, options = {}) => runScript({ child, frames, send, id: ++id }, script, options),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

interface FrameSource {
  next(): Promise<Frame | undefined>;
  takeRaw(): string;
}

function frameSource(output: Readable): FrameSource {
  const decoder = new FrameDecoder();
  const held: Frame[] = [];
  let raw: Buffer[] = [];
  const state = { over: false };
  let wake = (): void => undefined;
  output.on("data", (chunk: Buffer) => {
    raw.push(chunk);
    held.push(...decoder.push(chunk));
    wake();
  });
  output.on("close", () => {
    state.over = true;
    wake();
  });
  const next = async (): Promise<Frame | undefined> => {
    while (held.length === 0 && !state.over) await new Promise<void>((resolve) => (wake = resolve));
    return held.shift();
  };
  const takeRaw = (): string => {
    const text = Buffer.concat(raw).toString("utf8");
    raw = [];
    return text;
  };
  return { next, takeRaw };
}

interface Connection {
  child: ChildProcess;
  frames: FrameSource;
  send(header: Record<string, unknown>, parts?: readonly Uint8Array[]): void;
  id: number;
}

async function runScript(
  { child, frames, send, id }: Connection,
  script: string,
  options: RunOptions,
): Promise<RunResult> {
  const result: RunResult = { done: undefined, killed: false, log: [], queries: [], outputs: [], raw: "" };
  frames.takeRaw();
  const { parameters = {}, nowMs = NOW_MS, seed = 42, answer = () => SMALL } = options;
  const limits = { ...DEFAULT_ISOLATE_LIMITS, ...options.limits };
  send({ op: "run", id, script, parameters, nowMs, seed, limits });
  const replies: Promise<void>[] = [];
  const clock = setTimeout(() => {
    result.killed = true;
    child.kill("SIGKILL");
  }, options.wallMs ?? 20_000);
  for (let frame = await frames.next(); frame; frame = await frames.next()) {
    const { parts: _parts, ...said } = frame.header;
    if (!Value.Check(IsolateSays, said) || said.id !== id)
      throw new Error(`not in the contract: ${String(said["op"])}`);
    if (said.op === "done") result.done = said;
    if (said.op === "done") break;
    if (said.op === "log") result.log.push(...said.lines);
    else if (said.op === "output") result.outputs.push(outputOf(said, frame));
    else {
      result.queries.push(said);
      replies.push(reply(send, said, answer));
    }
  }
  clearTimeout(clock);
  await Promise.all(replies);
  result.raw = frames.takeRaw();
  return result;
}

async function reply(send: Connection["send"], { id, query, sql }: IsolateQuery, answer: Answerer): Promise<void> {
  const answered = await answer(sql, query);
  const parts = Array.isArray(answered) ? answered : "rows" in answered ? await scriptParts(answered) : [];
  if ("code" in answered) send({ op: "query_result", id, query, ok: false, ...answered });
  else send({ op: "query_result", id, query, ok: true }, parts);
}

function outputOf(said: IsolateOutput, frame: Frame): RunResult["outputs"][number] {
  const part = frame.parts[0];
  return { kind: said.kind, name: said.name, query: said.query, text: part ? Buffer.from(part).toString("utf8") : "" };
}
