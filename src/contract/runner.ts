/**
 * What a runner and the control plane say to each other: HTTP on a Unix socket or loopback, JSON for requests
 * and offers, one frame (`frame.ts`) for a report with binary parts.
 */
import { Type, type Static } from "typebox";
import { Instant, Name, OneOf } from "./common.ts";
import { MountedProduct } from "./engine.ts";
import { EgressFacts, Finding, Label, OutputDescriptor, StatementEvidence } from "./egress.ts";
import { JobClass, JobMode, LogLine, Parameters, ReasonCodeText } from "./job.ts";
import { ProductManifest, ProductSpec } from "./product.ts";
import { EgressProfile, NoiseKey } from "./profile.ts";
import { ReleaseFormat } from "./release.ts";
import { JoinRule, Visibility } from "./scenario.ts";
import { MAX_SUPERVISOR_EVENTS, SupervisorEvent } from "./security.ts";

export const WorkKind = OneOf(["jobs", "ingests", "renders"]);
export type WorkKind = Static<typeof WorkKind>;

export const RunnerCapacity = Type.Object(
  {
    /** Jobs at once, and how many of them are batch jobs now. */
    places: Type.Integer({ minimum: 1, maximum: 1000 }),
    runningBatch: Type.Integer({ minimum: 0, maximum: 1000 }),
    /** For jobs, by the limits of their classes. */
    memoryBytes: Type.Integer({ minimum: 1 }),
    freeMemoryBytes: Type.Integer({ minimum: 0 }),
  },
  { additionalProperties: false },
);
export type RunnerCapacity = Static<typeof RunnerCapacity>;

export const LeaseRequest = Type.Object(
  {
    runner: Type.String({ minLength: 1, maxLength: 100 }),
    kind: WorkKind,
    /** Free places for that kind of work. */
    places: Type.Integer({ minimum: 1, maximum: 1000 }),
    /** Long poll: how long to wait for work. */
    waitMs: Type.Integer({ minimum: 0, maximum: 60_000 }),
    /** What the runner has in all, and what of it is free. */
    capacity: Type.Optional(RunnerCapacity),
    /** Scenarios that have a warm engine there. */
    warm: Type.Optional(Type.Array(Name, { maxItems: 1000 })),
    /** How the runner confines its processes, said when it starts. */
    confinement: Type.Optional(Type.String({ minLength: 1, maxLength: 80 })),
  },
  { additionalProperties: false },
);
export type LeaseRequest = Static<typeof LeaseRequest>;

export const JobLimits = Type.Object({
  wallMs: Type.Integer({ minimum: 1 }),
  memoryBytes: Type.Integer({ minimum: 1 }),
  maxRows: Type.Integer({ minimum: 1 }),
  maxBytes: Type.Integer({ minimum: 1 }),
});
export type JobLimits = Static<typeof JobLimits>;

export const JobOffer = Type.Object({
  kind: Type.Literal("job"),
  lease: Type.String(),
  job: Type.Object({
    id: Type.String(),
    image: Type.String(),
    imageDigest: Type.String(),
    sql: Type.Optional(Type.String()),
    script: Type.Optional(Type.String()),
    parameters: Parameters,
    mode: JobMode,
    class: JobClass,
    submittedAtMs: Type.Integer(),
  }),
  scenario: Type.Object({
    id: Type.String(),
    visibility: Visibility,
    joins: Type.Array(JoinRule),
    products: Type.Array(MountedProduct),
  }),
  profile: EgressProfile,
  noiseKey: NoiseKey,
  limits: JobLimits,
  /** Whether the opinion lets checked aggregates leave by themselves; absent: it does not. */
  autoRelease: Type.Optional(Type.Boolean()),
});
export type JobOffer = Static<typeof JobOffer>;

export const IngestOffer = Type.Object({
  kind: Type.Literal("ingest"),
  lease: Type.String(),
  version: Type.String(),
  spec: ProductSpec,
  /** Directory that the finished version is moved to in one step; it does not exist before. */
  directory: Type.String(),
  /** Governance directory with the ordinals of the deployment's subjects; the same for all products. */
  subjectsDirectory: Type.String(),
});
export type IngestOffer = Static<typeof IngestOffer>;

export const RenderOffer = Type.Object({
  kind: Type.Literal("render"),
  lease: Type.String(),
  /** Whose table it is: a process that renders for one scenario never renders for another. */
  scenario: Type.String(),
  format: ReleaseFormat,
  suppressed: Type.Integer(),
  notes: Type.Array(Type.Object({ rule: Type.String(), message: Type.String() })),
  maxRows: Type.Optional(Type.Integer()),
});
export type RenderOffer = Static<typeof RenderOffer>;

export const Offer = Type.Union([JobOffer, IngestOffer, RenderOffer]);
export type Offer = Static<typeof Offer>;

export const RunnerState = OneOf(["active", "paused", "draining"], {
  description: "Only an active runner takes new work",
});

/** A runner as its operator sees it. */
export const RunnerView = Type.Object({
  name: Type.String(),
  state: RunnerState,
  places: Type.Integer(),
  /** Jobs that it has now; a draining runner with none is drained. */
  running: Type.Integer(),
  memoryBytes: Type.Optional(Type.Integer()),
  confinement: Type.Optional(Type.String()),
  /** Scenarios that have a warm engine there. */
  warm: Type.Array(Name),
  lastSeenAt: Instant,
  changedBy: Type.Optional(Type.String()),
  changedAt: Type.Optional(Instant),
});
export type RunnerView = Static<typeof RunnerView>;

/** Answer to a heartbeat: whether the work is still wanted. */
export const HeartbeatAnswer = Type.Object({ cancel: Type.Boolean() });

export const LeaseProgress = Type.Object(
  {
    /** A job: `started`, `planning`, `running`, `judging`; an ingest: `ingesting`. */
    stage: Type.String(),
    rows: Type.Optional(Type.Integer()),
  },
  { additionalProperties: false },
);
export type LeaseProgress = Static<typeof LeaseProgress>;

/** What a job used, seen by its supervisor from outside its processes; for metering. */
export const JobUsage = Type.Object({
  /** Processor time of its processes while it had them, user and system, milliseconds. */
  cpuMs: Type.Integer({ minimum: 0 }),
  /** Sum of the peaks of its processes, bytes: an upper bound, because a warm process may have peaked before. */
  peakMemoryBytes: Type.Integer({ minimum: 0 }),
  /** Statements that were run or refused. */
  statements: Type.Integer({ minimum: 0 }),
  /** Rows and bytes of its outputs as computed. */
  rows: Type.Integer({ minimum: 0 }),
  bytes: Type.Integer({ minimum: 0 }),
});
export type JobUsage = Static<typeof JobUsage>;

/**
 * End of a job. Each output names its parts of the frame: the bytes as computed (quarantine) and, for a safe
 * label, the bytes as they may leave (`release`). A table's bytes are an Arrow stream, a JSON output's its text.
 */
export const JobReport = Type.Object({
  kind: Type.Literal("job"),
  state: OneOf(["succeeded", "failed", "cancelled"]),
  reasonCode: Type.Optional(ReasonCodeText),
  /** Safe text about the reason (a script's own error when its label is safe). */
  reason: Type.Optional(Type.String()),
  label: Label,
  findings: Type.Array(Finding),
  facts: EgressFacts,
  outputs: Type.Array(
    Type.Object({
      descriptor: OutputDescriptor,
      quarantine: Type.Integer(),
      release: Type.Optional(Type.Integer()),
    }),
  ),
  statements: Type.Array(StatementEvidence),
  log: Type.Array(LogLine),
  /** What the supervisor saw happen, in order, for security staff. */
  events: Type.Array(SupervisorEvent, { maxItems: MAX_SUPERVISOR_EVENTS }),
  /** Events beyond the most that a report carries. */
  eventsDropped: Type.Optional(Type.Integer({ minimum: 0 })),
  /** Milliseconds of each stage, and `wall`. */
  stages: Type.Record(Type.String(), Type.Number()),
  usage: JobUsage,
  confinement: Type.String(),
});
export type JobReport = Static<typeof JobReport>;

export const IngestReport = Type.Object({
  kind: Type.Literal("ingest"),
  ok: Type.Boolean(),
  manifest: Type.Optional(ProductManifest),
  manifestDigest: Type.Optional(Type.String()),
  error: Type.Optional(
    Type.Object({
      code: Type.String(),
      message: Type.String(),
      row: Type.Optional(Type.Integer()),
      column: Type.Optional(Type.String()),
    }),
  ),
});
export type IngestReport = Static<typeof IngestReport>;

/** Part 0 holds the bytes when ok. */
export const RenderReport = Type.Object({ kind: Type.Literal("render"), ok: Type.Boolean() });
export type RenderReport = Static<typeof RenderReport>;

export const Report = Type.Union([JobReport, IngestReport, RenderReport]);
export type Report = Static<typeof Report>;

/**
 * Answer to a report. The header of a job's report may hold a `LeaseRequest` as `next`: for one place, the one that the report
 * gives free. What there is for it at that moment is offered in the answer; nobody waits.
 */
export const ReportAnswer = Type.Object({
  accepted: Type.Boolean(),
  offers: Type.Optional(Type.Array(Type.Unsafe<JobOffer>({}))),
});
export type ReportAnswer = Static<typeof ReportAnswer>;
