/**
 * What the supervisor and an engine process say to each other (frames of `frame.ts`). One engine process serves
 * one scenario from `open` to its end; a process that never got `open` holds no data and serves `table` and
 * `render` only.
 */
import { Type, type Static } from "typebox";
import { ColumnName, Name, OneOf } from "./common.ts";
import { EgressFacts, Finding, Label, OutputDescriptor, StatementEvidence } from "./egress.ts";
import { Parameters, ReasonCodeText } from "./job.ts";
import { ManifestColumn, ProductFile } from "./product.ts";
import { EgressProfile, NoiseKey } from "./profile.ts";
import { ReleaseFormat } from "./release.ts";
import { JoinRule, Visibility } from "./scenario.ts";

/** One product version as an engine mounts it: only the granted columns and the files that hold them. */
export const MountedProduct = Type.Object({
  id: Name,
  version: Type.String(),
  /** Absolute directory of the version; the files' paths are relative to it. */
  directory: Type.String(),
  rowCount: Type.Integer({ minimum: 0 }),
  subjectKey: Type.Optional(ColumnName),
  columns: Type.Array(ManifestColumn),
  files: Type.Array(ProductFile),
});
export type MountedProduct = Static<typeof MountedProduct>;

export const EngineOpen = Type.Object({
  op: Type.Literal("open"),
  id: Type.Integer(),
  scenario: Name,
  visibility: Visibility,
  products: Type.Array(MountedProduct),
  joins: Type.Array(JoinRule),
  threads: Type.Integer({ minimum: 1 }),
  /** Of a statement that runs while nothing else does; as many as of any other when absent. */
  threadsAlone: Type.Optional(Type.Integer({ minimum: 1 })),
  memoryBytes: Type.Integer({ minimum: 1 }),
});
export type EngineOpen = Static<typeof EngineOpen>;

export const EngineQuery = Type.Object({
  op: Type.Literal("query"),
  id: Type.Integer(),
  /** Number of the statement within its job, from 1. */
  statement: Type.Integer({ minimum: 1 }),
  sql: Type.String(),
  parameters: Parameters,
  profile: EgressProfile,
  noiseKey: NoiseKey,
  /** Only judge the form: run nothing. */
  validateOnly: Type.Boolean(),
  /** Whether it may use `threadsAlone`. */
  alone: Type.Optional(Type.Boolean()),
  maxRows: Type.Integer({ minimum: 1 }),
  maxBytes: Type.Integer({ minimum: 1 }),
});
export type EngineQuery = Static<typeof EngineQuery>;

/** Make an Arrow table of rows that a script produced. Part 0: JSON `{ columns?, rows }`. */
export const EngineTable = Type.Object({
  op: Type.Literal("table"),
  id: Type.Integer(),
  name: Type.String(),
  maxRows: Type.Integer({ minimum: 1 }),
  maxBytes: Type.Integer({ minimum: 1 }),
});
export type EngineTable = Static<typeof EngineTable>;

/** Turn a table into another format. Part 0: an Arrow stream. The answer's part 0 holds the bytes. */
export const EngineRender = Type.Object({
  op: Type.Literal("render"),
  id: Type.Integer(),
  format: ReleaseFormat,
  suppressed: Type.Integer({ minimum: 0 }),
  notes: Type.Array(Type.Object({ rule: Type.String(), message: Type.String() })),
  /** Render at most so many rows (a reviewer's preview). */
  maxRows: Type.Optional(Type.Integer({ minimum: 1 })),
});
export type EngineRender = Static<typeof EngineRender>;

export const EngineRequest = Type.Union([EngineOpen, EngineQuery, EngineTable, EngineRender]);
export type EngineRequest = Static<typeof EngineRequest>;

/**
 * A query's outcome. Parts when `ran`: 0 the result as computed (Arrow stream, for quarantine), 1 the result as it
 * may leave (Arrow stream; empty when the label is `row_level` or a rule blocks it), 2 the JSON `ScriptTable` by which
 * a script reads what it may see: part 1 for a safe label, part 0 for a row-level one (empty when it may see nothing).
 */
export const QueryAnswer = Type.Object({
  id: Type.Integer(),
  ok: Type.Literal(true),
  op: Type.Literal("query"),
  ran: Type.Boolean(),
  label: Label,
  findings: Type.Array(Finding),
  facts: EgressFacts,
  output: OutputDescriptor,
  evidence: StatementEvidence,
  /** Milliseconds: plan gate, query with evidence, rules and transformation, encoding. */
  stages: Type.Record(Type.String(), Type.Number()),
});
export type QueryAnswer = Static<typeof QueryAnswer>;

export const EngineOk = Type.Object({
  id: Type.Integer(),
  ok: Type.Literal(true),
  op: OneOf(["open", "table", "render"]),
  output: Type.Optional(OutputDescriptor),
  stages: Type.Optional(Type.Record(Type.String(), Type.Number())),
});
export type EngineOk = Static<typeof EngineOk>;

/** A refusal or failure: codes and findings, never engine text. */
export const EngineRefusal = Type.Object({
  id: Type.Integer(),
  ok: Type.Literal(false),
  code: ReasonCodeText,
  findings: Type.Array(Finding),
});
export type EngineRefusal = Static<typeof EngineRefusal>;

export const EngineAnswer = Type.Union([QueryAnswer, EngineOk, EngineRefusal]);
export type EngineAnswer = Static<typeof EngineAnswer>;

/** Sent once by the process when it can take requests. */
export const ProcessReady = Type.Object({ op: Type.Literal("ready"), role: Type.String(), pid: Type.Integer() });
export type ProcessReady = Static<typeof ProcessReady>;
