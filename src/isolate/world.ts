import ivm from "isolated-vm";
import type { IsolateRun } from "#contract/isolate.ts";
import { failure, fromHostError, fromSyntaxError, type Outcome } from "./outcome.ts";

/** What a script's world asks of the process. None of them may throw: that would carry our paths to the script. */
export interface HostCalls {
  log(level: string, text: string): void;
  query(number: number, sql: string): void;
  /** The code of a refusal, or "". */
  output(kind: "table" | "json", name: string, text: string): string;
  /** The result of a query, untouched, as an output. */
  handOn(name: string, query: number): void;
  /** `code` is empty when the script's body came to its end. */
  finish(code: string, message: string, line: number): void;
}

/** A fresh isolate with the bootstrap in it, for one script. It can be made before the script is known. */
export interface World {
  readonly isolate: ivm.Isolate;
  readonly memoryMb: number;
  readonly context: ivm.Context;
  readonly open: ivm.Reference;
  /** Whom the host functions serve; nobody before the script is opened. */
  calls: HostCalls | undefined;
}

export interface WorldOptions {
  memoryMb: number;
  bootstrap: string;
  /** Text by name. */
  libraries: ReadonlyMap<string, string>;
  /** V8 lost control of the isolate: ends the process at once. */
  die(): void;
}

export function createWorld({ memoryMb, bootstrap, libraries, die }: WorldOptions): World {
  const isolate = new ivm.Isolate({ memoryLimit: memoryMb, onCatastrophicError: die });
  const context = isolate.createContextSync();
  const open = context.evalClosureSync(
    bootstrap,
    [
      ...hostFunctions(() => world.calls),
      new ivm.Callback((name: string) => libraries.get(name) ?? ""),
      JSON.stringify([...libraries.keys()]),
    ],
    {
      filename: "bootstrap.js",
      result: { reference: true },
    },
  );
  const world: World = { isolate, memoryMb, context, open, calls: undefined };
  return world;
}

/** Lines do not wait for this thread; the other calls keep their order with it. */
function hostFunctions(calls: () => HostCalls | undefined): ivm.Callback[] {
  return [
    new ivm.Callback((level: string, text: string) => calls()?.log(level, text), { ignored: true }),
    new ivm.Callback((number: number, sql: string) => calls()?.query(number, sql)),
    new ivm.Callback((kind: "table" | "json", name: string, text: string) => calls()?.output(kind, name, text)),
    new ivm.Callback((name: string, query: number) => calls()?.handOn(name, query)),
    new ivm.Callback((code: string, message: string, line: number) => calls()?.finish(code, message, line)),
  ];
}

/** References by which a script is driven. */
export interface Guest {
  body: ivm.Reference;
  start: ivm.Reference;
  deliver: ivm.Reference;
}

// One line, so that the script's own line numbers stay what they are.
const HEAD = '(async () => {"use strict";';
const TAIL = "\n})";

/**
 * Compiles the script, opens the world for it and evaluates the function around it: none of the script has run then.
 * What is wrong with the script is an outcome; a bootstrap that fails is a bug and throws.
 */
export function openWorld(world: World, run: IsolateRun): Guest | Outcome {
  const script = compile(world.isolate, run.script);
  if (!(script instanceof ivm.Script)) return script;
  const { id: _id, op: _op, ...settings } = run;
  let opened: ivm.Reference;
  try {
    const options = { result: { reference: true } } as const;
    opened = world.open.applySync(undefined, [JSON.stringify(settings)], options);
  } catch (error) {
    if (!world.isolate.isDisposed) throw error;
    return fromHostError(error, true);
  }
  if (opened.getSync("whole") !== true) {
    return failure("script_error", "SyntaxError: The script is not complete in itself");
  }
  return {
    body: script.runSync(world.context, { reference: true }),
    start: opened.getSync("start", { reference: true }),
    deliver: opened.getSync("deliver", { reference: true }),
  };
}

function compile(isolate: ivm.Isolate, text: string): ivm.Script | Outcome {
  try {
    return isolate.compileScriptSync(HEAD + text + TAIL, { filename: "script.js", columnOffset: -HEAD.length });
  } catch (error) {
    return isolate.isDisposed ? fromHostError(error, true) : fromSyntaxError(error);
  }
}
