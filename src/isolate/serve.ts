import type { Readable, Writable } from "node:stream";
import { encodeFrame, FrameDecoder, type Frame } from "#contract/frame.ts";
import type { IsolateLog, IsolateRun, IsolateSays } from "#contract/isolate.ts";
import { AppError } from "#kernel/errors.ts";
import { type DeliveredTable, type RunningScript, type Send, startScript } from "./host.ts";
import { parseQueryResult, parseRun } from "./request.ts";
import { createWorld, type World } from "./world.ts";

export interface IsolatePipes {
  input: Readable;
  output: Writable;
  pid: number;
  bootstrap: string;
  /** Locks the process once all is loaded: no file, socket, process or executable memory afterwards. */
  lock(): void;
  libraries: ReadonlyMap<string, string>;
  /** Ends the process at once, whatever its threads do. */
  die(): void;
}

/** Serves runs until the input ends. Warms up before `ready`, so that nothing is loaded or started afterwards. */
export async function serveIsolate(pipes: IsolatePipes): Promise<void> {
  const sender = createSender(pipes.output);
  const worlds = createWorlds(pipes);
  let running: RunningScript | undefined;

  const handle = ({ header, parts }: Frame): void => {
    if (header["op"] === "run") {
      if (running) throw new AppError("frame_invalid", "a script is running already");
      const run = parseRun(header);
      running = startScript(run, { world: worlds.take(run.limits.memoryMb), send: sender.send }, (done) => {
        running = undefined;
        sender.send(done);
        setImmediate(worlds.prepare);
      });
      return;
    }
    if (header["op"] !== "query_result") throw new AppError("frame_invalid", "the operation is not known");
    const result = parseQueryResult(header);
    // An answer may cross the end of its run.
    if (running?.id === result.id) running.deliver(result, tableOf(parts));
  };

  await warmUp(worlds.take(WARM_UP.limits.memoryMb));
  worlds.prepare();
  pipes.lock();
  sender.write({ op: "ready", role: "isolate", pid: pipes.pid });
  const decoder = new FrameDecoder();
  for await (const chunk of pipes.input) {
    for (const frame of decoder.push(chunk as Uint8Array)) handle(frame);
  }
}

function tableOf([head, stream]: readonly Uint8Array[]): DeliveredTable | undefined {
  if (!head || !stream) return undefined;
  const text = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString("utf8");
  return { head: text, stream: new Uint8Array(stream).buffer };
}

/** Frames out, log lines gathered: they leave with the next other message, or when the loop comes round. */
function createSender(output: Writable): {
  send: Send;
  write(header: Record<string, unknown>, part?: Uint8Array): void;
} {
  let held: IsolateLog | undefined;
  const write = (header: Record<string, unknown>, part?: Uint8Array): void => {
    output.cork();
    for (const piece of encodeFrame(header, part ? [part] : [])) output.write(piece);
    output.uncork();
  };
  const flush = (): void => {
    if (held) write(held);
    held = undefined;
  };
  const send = (says: IsolateSays, part?: Uint8Array): void => {
    if (says.op === "log") {
      if (!held) setImmediate(flush);
      held ??= { op: "log", id: says.id, lines: [] };
      held.lines.push(...says.lines);
      return;
    }
    flush();
    write(says, part);
  };
  return { send, write };
}

/**
 * A world is made ahead, while nothing runs, so that a script does not wait for one. Each is used once. The next one
 * gets the memory of the last, which in practice is the same for all.
 */
function createWorlds({ bootstrap, libraries, die }: IsolatePipes): { take(memoryMb: number): World; prepare(): void } {
  let spare: World | undefined;
  let memoryMb = WARM_UP.limits.memoryMb;
  const take = (wanted: number): World => {
    const made = spare;
    spare = undefined;
    memoryMb = wanted;
    if (made?.memoryMb === wanted) return made;
    made?.isolate.dispose();
    return createWorld({ memoryMb, bootstrap, libraries, die });
  };
  const prepare = (): void => {
    spare ??= createWorld({ memoryMb, bootstrap, libraries, die });
  };
  return { take, prepare };
}

/** One run of nothing: starts V8's threads, compiles what a run needs, and proves the bootstrap before `ready`. */
async function warmUp(world: World): Promise<void> {
  const done = await new Promise<{ ok: boolean }>((resolve) => startScript(WARM_UP, { world, send: discard }, resolve));
  if (!done.ok) throw new AppError("process_failed", "the guest bootstrap does not work");
}

const discard: Send = () => undefined;

const WARM_UP: IsolateRun = {
  op: "run",
  id: 0,
  script: "console.log(1); output.json('warm', 1); await null;",
  parameters: {},
  nowMs: 0,
  seed: 0,
  limits: {
    memoryMb: 128,
    logLines: 1,
    logLineBytes: 64,
    queries: 1,
    queriesInFlight: 1,
    sqlCharacters: 1,
    outputs: 1,
    outputBytes: 64,
  },
};
