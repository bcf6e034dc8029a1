/**
 * The log for security staff (安全人员): what happened in and around the sandboxes, as events of a closed list; alarms
 * that rules raise over them; suspensions. An event carries codes, identifiers, counts and the developer's own SQL,
 * never a value of the data.
 */
import { Type, type Static, type TObject, type TProperties } from "typebox";
import { Finding, Label, Verdict } from "./egress.ts";
import { Instant, Name, OneOf, PageQuery } from "./common.ts";
import { JobClass, JobMode, ReasonCodeText } from "./job.ts";

export const SEVERITIES = ["info", "notice", "warning", "alarm"] as const;
export const Severity = OneOf(SEVERITIES, { description: "Least to most severe" });
export type Severity = (typeof SEVERITIES)[number];

/** What can happen, how severe it is by itself, and what it says. */
export const SECURITY_EVENT_KINDS = {
  "job.started": { severity: "info", title: "A job began to run" },
  "statement.ran": { severity: "info", title: "A statement of a job was run" },
  "statement.refused": { severity: "notice", title: "A statement was refused by its form, or its result blocked" },
  "label.raised": { severity: "notice", title: "A script was given rows: all that it emits is theirs from then on" },
  "limit.hit": { severity: "notice", title: "A job reached one of its limits" },
  "process.killed": { severity: "warning", title: "A confined process was ended from outside" },
  "process.crashed": { severity: "warning", title: "A confined process ended by itself" },
  "escape.attempted": { severity: "alarm", title: "A confined process tried what its confinement forbids" },
  "job.ended": { severity: "info", title: "A job ended" },
  "runner.started": { severity: "info", title: "A runner asked for work for the first time" },
  "confinement.reported": { severity: "info", title: "A runner said how it confines its processes" },
  "runner.enrolled": { severity: "notice", title: "A runner node enrolled with its key" },
  "runner.revoked": { severity: "warning", title: "A runner node was revoked" },
  "runner.lost": { severity: "warning", title: "A runner fell silent under a job" },
  "access.refused": { severity: "notice", title: "Requests were refused" },
  "log.viewed": { severity: "info", title: "Staff read the log of a job" },
  "log.exported": { severity: "notice", title: "Staff exported the security log" },
  "alarm.raised": { severity: "alarm", title: "A rule raised an alarm" },
  "alarm.acknowledged": { severity: "info", title: "An alarm was acknowledged" },
  "suspension.set": { severity: "warning", title: "A scenario or an organisation was suspended" },
  "suspension.lifted": { severity: "notice", title: "A suspension was lifted" },
} as const satisfies Record<string, { severity: Severity; title: string }>;
export type SecurityEventKind = keyof typeof SECURITY_EVENT_KINDS;
export const SecurityEventKind = OneOf(Object.keys(SECURITY_EVENT_KINDS) as SecurityEventKind[]);

const closed = { additionalProperties: false } as const;
const Count = Type.Integer({ minimum: 0 });
const Code = Type.String({ pattern: "^[A-Za-z0-9_.:@+/-]{1,80}$", description: "A code or a name, no free text" });
const ProcessRole = OneOf(["engine", "isolate", "renderer", "ingest"]);
/** What a refusal rests on: the form alone tells nothing of the data; a blocked result does. */
const RefusalBasis = OneOf(["form", "data"]);
export const SuspensionScopeKind = OneOf(["scenario", "organisation"]);

/** The rules that raise alarms. */
export const ALARM_RULES = {
  escape_attempted: "A confined process tried to leave its confinement",
  repeated_blocks: "Results of one scenario were blocked again and again: probing (R30)",
  repeated_refusals: "Statements of one scenario were refused by their form again and again",
  repeated_kills: "Processes of one organisation were ended by their limits again and again",
  repeated_access_refusals: "Requests of one caller were refused again and again",
} as const;
export type AlarmRule = keyof typeof ALARM_RULES;
export const AlarmRule = OneOf(Object.keys(ALARM_RULES) as AlarmRule[]);

/** What each kind says besides its text. */
export const SECURITY_EVENT_DETAILS = {
  "job.started": Type.Object({ image: Type.String(), class: JobClass, mode: JobMode }, closed),
  "statement.ran": Type.Object(
    { statement: Count, label: Label, rules: Type.Array(Finding.properties.rule), planDigest: Type.Optional(Code) },
    closed,
  ),
  "statement.refused": Type.Object(
    { statement: Count, basis: RefusalBasis, rules: Type.Array(Finding.properties.rule), codes: Type.Array(Code) },
    closed,
  ),
  "label.raised": Type.Object({ statement: Count }, closed),
  "limit.hit": Type.Object(
    {
      limit: OneOf(["wall_time", "cpu_time", "memory", "processes", "files", "output", "log", "queries"]),
      configured: Type.Optional(Type.Number()),
      process: Type.Optional(ProcessRole),
    },
    closed,
  ),
  "process.killed": Type.Object(
    {
      process: ProcessRole,
      by: OneOf(["wall_time", "cpu_time", "memory", "filter", "cancel", "supervisor", "kernel"]),
      signal: Type.Optional(Code),
    },
    closed,
  ),
  "process.crashed": Type.Object(
    { process: ProcessRole, exitCode: Type.Optional(Type.Integer()), signal: Type.Optional(Code) },
    closed,
  ),
  /** `attempt` is what was tried, as a code: the name of a system call, of a path class, of a broken protocol rule. */
  "escape.attempted": Type.Object({ process: ProcessRole, attempt: Code, count: Type.Optional(Count) }, closed),
  "job.ended": Type.Object(
    {
      state: OneOf(["succeeded", "failed", "cancelled"]),
      verdict: Verdict,
      statements: Type.Optional(Count),
      reasonCode: Type.Optional(ReasonCodeText),
      label: Type.Optional(Label),
      wallMs: Type.Optional(Count),
      /** Supervisor events beyond what a report carries. */
      eventsDropped: Type.Optional(Count),
    },
    closed,
  ),
  "runner.started": Type.Object({}, closed),
  "confinement.reported": Type.Object({ before: Type.Optional(Code) }, closed),
  "runner.enrolled": Type.Object({ thumbprint: Code, address: Type.String({ maxLength: 64 }) }, closed),
  "runner.revoked": Type.Object({ by: Type.String(), leases: Count }, closed),
  "runner.lost": Type.Object({ requeued: Type.Boolean(), attempts: Count }, closed),
  "access.refused": Type.Object(
    {
      code: Code,
      method: Code,
      route: Type.String({ maxLength: 200 }),
      count: Count,
      address: Type.Optional(Type.String({ maxLength: 64 })),
      subject: Type.Optional(Type.String({ maxLength: 200 })),
    },
    closed,
  ),
  "log.viewed": Type.Object({ subject: Type.String() }, closed),
  "log.exported": Type.Object({ subject: Type.String() }, closed),
  "alarm.raised": Type.Object({ alarm: Code, rule: AlarmRule, count: Count }, closed),
  "alarm.acknowledged": Type.Object({ alarm: Code, rule: AlarmRule, subject: Type.String() }, closed),
  "suspension.set": Type.Object(
    { suspension: Code, scope: SuspensionScopeKind, by: Type.String(), jobs: Count, until: Type.Optional(Instant) },
    closed,
  ),
  "suspension.lifted": Type.Object({ suspension: Code, scope: SuspensionScopeKind, by: Type.String() }, closed),
} as const satisfies Record<SecurityEventKind, TObject>;
export type SecurityEventDetails<K extends SecurityEventKind> = Static<(typeof SECURITY_EVENT_DETAILS)[K]>;

/** Most events of one report; what is more is counted in `eventsDropped`. */
export const MAX_SUPERVISOR_EVENTS = 500;

function supervisorEvent<const K extends SecurityEventKind, D extends TProperties>(kind: K, details: TObject<D>) {
  return Type.Object(
    {
      /** Milliseconds since the job's own clock started. */
      atMs: Type.Number({ minimum: 0 }),
      kind: Type.Literal(kind),
      /** Words of the supervisor about what happened: never text of the script, the engine or the data. */
      text: Type.Optional(Type.String({ maxLength: 500 })),
      details,
    },
    closed,
  );
}

/** When a statement ran: its text, label and judgement come from its evidence. */
const StatementTime = Type.Object({ statement: Count }, closed);

/** What a supervisor saw happen in a job. Start, end, refusals and labels the control plane takes from the report. */
export const SupervisorEvent = Type.Union([
  supervisorEvent("statement.ran", StatementTime),
  supervisorEvent("limit.hit", SECURITY_EVENT_DETAILS["limit.hit"]),
  supervisorEvent("process.killed", SECURITY_EVENT_DETAILS["process.killed"]),
  supervisorEvent("process.crashed", SECURITY_EVENT_DETAILS["process.crashed"]),
  supervisorEvent("escape.attempted", SECURITY_EVENT_DETAILS["escape.attempted"]),
]);
export type SupervisorEvent = Static<typeof SupervisorEvent>;

export const SecurityEvent = Type.Object({
  id: Type.String(),
  /** Order in which events were written; the position of a tail. */
  seq: Type.Integer({ minimum: 1 }),
  /** When it happened. */
  at: Instant,
  kind: SecurityEventKind,
  severity: Severity,
  job: Type.Optional(Type.String()),
  organisation: Type.Optional(Type.String()),
  scenario: Type.Optional(Type.String()),
  runner: Type.Optional(Type.String()),
  confinement: Type.Optional(Type.String()),
  text: Type.String(),
  details: Type.Record(Type.String(), Type.Unknown(), { description: "Closed for each kind" }),
});
export type SecurityEvent = Static<typeof SecurityEvent>;

export const SecurityEventQuery = Type.Object(
  {
    ...PageQuery.properties,
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    job: Type.Optional(Type.String({ maxLength: 64 })),
    organisation: Type.Optional(Name),
    scenario: Type.Optional(Name),
    kind: Type.Optional(Type.Array(SecurityEventKind, { maxItems: 50 })),
    severity: Type.Optional(OneOf(SEVERITIES, { description: "This severity and above" })),
    since: Type.Optional(Instant),
    until: Type.Optional(Instant),
    text: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: "Part of the text, any case" })),
  },
  closed,
);
export type SecurityEventQuery = Static<typeof SecurityEventQuery>;

export const AlarmState = OneOf(["open", "acknowledged"]);
export const AlarmView = Type.Object({
  id: Type.String(),
  rule: AlarmRule,
  state: AlarmState,
  text: Type.String(),
  organisation: Type.Optional(Type.String()),
  scenario: Type.Optional(Type.String()),
  /** Events that it stands for, so far. */
  count: Count,
  raisedAt: Instant,
  lastAt: Instant,
  /** The suspension that the rule set. */
  suspension: Type.Optional(Type.String()),
  acknowledgedAt: Type.Optional(Instant),
  acknowledgedBy: Type.Optional(Type.String()),
  comment: Type.Optional(Type.String()),
});
export type AlarmView = Static<typeof AlarmView>;

export const AlarmAcknowledgement = Type.Object({ comment: Type.String({ minLength: 1, maxLength: 2000 }) }, closed);
export type AlarmAcknowledgement = Static<typeof AlarmAcknowledgement>;

const Reason = Type.String({ minLength: 1, maxLength: 2000 });
export const SuspensionScope = Type.Union([
  Type.Object({ scenario: Name }, closed),
  Type.Object({ organisation: Name }, closed),
]);
export type SuspensionScope = Static<typeof SuspensionScope>;

export const SuspensionCreate = Type.Object(
  { scope: SuspensionScope, reason: Reason, until: Type.Optional(Instant) },
  closed,
);
export type SuspensionCreate = Static<typeof SuspensionCreate>;

export const SuspensionLift = Type.Object({ reason: Reason }, closed);
export type SuspensionLift = Static<typeof SuspensionLift>;

/** On whose authority a suspension stands; only its own kind, or the implementing body, lifts it. */
export const SuspensionAuthority = OneOf(["system", "security", "implementing_body"]);
export type SuspensionAuthority = Static<typeof SuspensionAuthority>;

export const SuspensionView = Type.Object({
  id: Type.String(),
  scope: SuspensionScope,
  state: OneOf(["in_force", "lifted", "ended"]),
  reason: Type.String(),
  setBy: Type.String(),
  authority: SuspensionAuthority,
  setAt: Instant,
  until: Type.Optional(Instant),
  alarm: Type.Optional(Type.String()),
  liftedAt: Type.Optional(Instant),
  liftedBy: Type.Optional(Type.String()),
  liftReason: Type.Optional(Type.String()),
});
export type SuspensionView = Static<typeof SuspensionView>;

const Numbered = Type.Object(
  {
    value: Type.Integer({ minimum: 1 }),
    basis: Type.String({ minLength: 1, description: "Law, standard or agreement" }),
  },
  closed,
);
const Threshold = Type.Object({ count: Numbered, windowMinutes: Numbered }, closed);

/** `policies/security.yaml`: how many events of one source in which time raise an alarm. Every number has its basis. */
export const SecurityThresholds = Type.Object(
  {
    /** `suspends`: whether the alarm also suspends the scenario. */
    repeated_blocks: Type.Object({ ...Threshold.properties, suspends: Type.Boolean() }, closed),
    repeated_refusals: Threshold,
    repeated_kills: Threshold,
    repeated_access_refusals: Threshold,
  },
  closed,
);
export type SecurityThresholds = Static<typeof SecurityThresholds>;
