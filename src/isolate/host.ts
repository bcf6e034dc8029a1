import ivm from "isolated-vm";
import type { IsolateDone, IsolateQueryResult, IsolateRun, IsolateSays } from "#contract/isolate.ts";
import { failure, fromHostError, reported, type Outcome } from "./outcome.ts";
import { type HostCalls, openWorld, type World } from "./world.ts";

export type Send = (says: IsolateSays, part?: Uint8Array) => void;

export interface RunningScript {
  readonly id: number;
  /** Hands a query's result to the script: nothing beside it for a refusal. */
  deliver(result: IsolateQueryResult, table?: DeliveredTable): void;
}

export interface DeliveredTable {
  /** JSON of a `ScriptTable`. */
  head: string;
  /** The Arrow stream that it describes, in memory of its own. */
  stream: ArrayBuffer;
}

interface RunState {
  /** Entries into the isolate that are under way or queued. */
  entries: number;
  /** Queries that the supervisor has not answered. */
  inFlight: number;
  outputBytes: number;
  /** How the script's body ended. */
  settled: Outcome | undefined;
  over: boolean;
}

/**
 * Runs the script in `world`, calls `ended` once (never before it has returned) and disposes of the world.
 *
 * INVARIANT: no code of the script runs on this thread, and nothing of the script's arrives here but numbers,
 * booleans and strings. There are no timers: a script that does not end is the supervisor's to kill.
 */
export function startScript(
  run: IsolateRun,
  { world, send }: { world: World; send: Send },
  ended: (done: IsolateDone) => void,
): RunningScript {
  const state: RunState = { entries: 0, inFlight: 0, outputBytes: 0, settled: undefined, over: false };
  world.calls = hostCalls(run, state, send);
  const end = (outcome: Outcome): void => {
    if (state.over) return;
    state.over = true;
    world.calls = undefined;
    ended({ op: "done", id: run.id, ...outcome });
    if (!world.isolate.isDisposed) world.isolate.dispose();
  };
  const enter = (entry: Promise<unknown>): void => {
    state.entries++;
    entry.then(
      () => {
        state.entries--;
        const outcome = outcomeNow(state);
        if (outcome) end(outcome);
        return undefined;
      },
      (error: unknown) => end(outcomeAfterError(state, error, world.isolate.isDisposed)),
    );
  };
  const guest = openWorld(world, run);
  if ("ok" in guest) setImmediate(() => end(guest));
  else if (run.compileOnly === true) setImmediate(() => end({ ok: true }));
  else enter(guest.start.apply(undefined, [guest.body.derefInto()]));
  const deliver = (result: IsolateQueryResult, table?: DeliveredTable): void => {
    if (state.over || "ok" in guest) return;
    state.inFlight--;
    enter(guest.deliver.apply(undefined, [result.query, ...answerOf(result, table)]));
  };
  return { id: run.id, deliver };
}

/** The stream is copied into the isolate, so that it counts against its memory and shares none with the process. */
function answerOf(result: IsolateQueryResult, table: DeliveredTable | undefined): unknown[] {
  if (!result.ok) return [result.code ?? "query_error", result.message ?? ""];
  if (!table) return ["query_error", ""];
  return ["", table.head, new ivm.ExternalCopy(table.stream).copyInto({ release: true })];
}

/**
 * After an entry: the run is over when the body threw, or when nothing is under way any more. Without timers nothing
 * but a query's result can move a script, so a body that then still waits would wait for ever.
 */
function outcomeNow(state: RunState): Outcome | undefined {
  if (state.settled?.ok === false) return state.settled;
  if (state.entries > 0 || state.inFlight > 0) return undefined;
  return state.settled ?? failure("script_error", "The script waits for a promise that nothing can settle");
}

function outcomeAfterError(state: RunState, error: unknown, isolateGone: boolean): Outcome {
  return state.settled?.ok === false ? state.settled : fromHostError(error, isolateGone);
}

function hostCalls({ id, limits }: IsolateRun, state: RunState, send: Send): HostCalls {
  return {
    log: (level, text) => send({ op: "log", id, lines: [{ level, text }] }),
    query: (query, sql) => {
      state.inFlight++;
      send({ op: "query", id, query, sql });
    },
    handOn: (name, query) => send({ op: "output", id, kind: "table", name, query }),
    output: (kind, name, text) => {
      const part = Buffer.from(text, "utf8");
      if (state.outputBytes + part.byteLength > limits.outputBytes) return "output_too_large";
      state.outputBytes += part.byteLength;
      send({ op: "output", id, kind, name }, part);
      return "";
    },
    finish: (code, message, line) => {
      state.settled ??= reported(code, message, line);
    },
  };
}
