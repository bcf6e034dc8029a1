/**
 * What the supervisor and an isolate process say to each other (frames of `frame.ts`). The process runs one script
 * at a time, each in a fresh isolate. It never sees data but what the supervisor hands it as query results.
 */
import { Type, type Static } from "typebox";
import { OneOf } from "./common.ts";
import { Parameters, ReasonCodeText } from "./job.ts";

export const IsolateLimits = Type.Object({
  memoryMb: Type.Integer({ minimum: 8 }),
  logLines: Type.Integer({ minimum: 0 }),
  logLineBytes: Type.Integer({ minimum: 1 }),
  queries: Type.Integer({ minimum: 0 }),
  queriesInFlight: Type.Integer({ minimum: 1 }),
  sqlCharacters: Type.Integer({ minimum: 1 }),
  outputs: Type.Integer({ minimum: 1 }),
  outputBytes: Type.Integer({ minimum: 1 }),
});
export type IsolateLimits = Static<typeof IsolateLimits>;

export const DEFAULT_ISOLATE_LIMITS: IsolateLimits = {
  memoryMb: 128,
  logLines: 1000,
  logLineBytes: 4096,
  queries: 1000,
  queriesInFlight: 64,
  sqlCharacters: 32_768,
  outputs: 64,
  outputBytes: 16 * 1024 * 1024,
};

/** Compiled code escapes the isolate's own limit by a factor, so that less is allowed before the process's is met. */
export const JIT_ISOLATE_LIMITS: IsolateLimits = { ...DEFAULT_ISOLATE_LIMITS, memoryMb: 64 };

/**
 * The images that run scripts: with which limits, and whether their processes compile just in time. Such processes are
 * a class of their own, and there only where the machine itself limits their memory.
 */
export const ISOLATE_IMAGES: Readonly<Record<string, { jit: boolean; limits: IsolateLimits }>> = {
  "javascript@1": { jit: false, limits: DEFAULT_ISOLATE_LIMITS },
  "javascript-jit@1": { jit: true, limits: JIT_ISOLATE_LIMITS },
};

/** Supervisor → process: run a script. `nowMs` and `seed` are all the time and chance that it sees. */
export const IsolateRun = Type.Object({
  op: Type.Literal("run"),
  id: Type.Integer(),
  script: Type.String(),
  parameters: Parameters,
  nowMs: Type.Integer(),
  seed: Type.Integer({ minimum: 0 }),
  /** Only compile it: none of it runs. */
  compileOnly: Type.Optional(Type.Boolean()),
  limits: IsolateLimits,
});
export type IsolateRun = Static<typeof IsolateRun>;

/** Process → supervisor: the script asks for a query. */
export const IsolateQuery = Type.Object({
  op: Type.Literal("query"),
  id: Type.Integer(),
  query: Type.Integer({ minimum: 1 }),
  sql: Type.String(),
});
export type IsolateQuery = Static<typeof IsolateQuery>;

/** Supervisor → process. Parts when ok: JSON `ScriptTable` and the Arrow stream it describes. `message` is in the closed vocabulary. */
export const IsolateQueryResult = Type.Object({
  op: Type.Literal("query_result"),
  id: Type.Integer(),
  query: Type.Integer({ minimum: 1 }),
  ok: Type.Boolean(),
  code: Type.Optional(Type.String()),
  message: Type.Optional(Type.String()),
});
export type IsolateQueryResult = Static<typeof IsolateQueryResult>;

/** Process → supervisor: log lines of the script, in order. */
export const IsolateLog = Type.Object({
  op: Type.Literal("log"),
  id: Type.Integer(),
  lines: Type.Array(Type.Object({ level: Type.String(), text: Type.String() })),
});
export type IsolateLog = Static<typeof IsolateLog>;

/**
 * Process → supervisor: an output. Part 0: for a table JSON `{ columns?: [{ name, type? }], rows: [[…]] }` or
 * `{ query: n }` when the script hands on the result of its n-th query untouched; for a JSON value its text.
 */
export const IsolateOutput = Type.Object({
  op: Type.Literal("output"),
  id: Type.Integer(),
  kind: OneOf(["table", "json"]),
  name: Type.String(),
  /** Number of the query whose result this is, untouched. Then there is no part. */
  query: Type.Optional(Type.Integer()),
});
export type IsolateOutput = Static<typeof IsolateOutput>;

/** Process → supervisor: the script ended. `message` carries the label of the job. */
export const IsolateDone = Type.Object({
  op: Type.Literal("done"),
  id: Type.Integer(),
  ok: Type.Boolean(),
  code: Type.Optional(ReasonCodeText),
  message: Type.Optional(Type.String()),
  /** Line in the script, from 1, where that is known. */
  line: Type.Optional(Type.Integer()),
});
export type IsolateDone = Static<typeof IsolateDone>;

export const IsolateSays = Type.Union([IsolateQuery, IsolateLog, IsolateOutput, IsolateDone]);
export type IsolateSays = Static<typeof IsolateSays>;
