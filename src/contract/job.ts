import { Type, type Static } from "typebox";
import { Instant, Name, OneOf } from "./common.ts";
import { Finding, OutputDescriptor, Verdict } from "./egress.ts";
import { ProductType } from "./scenario.ts";

export const JOB_STATES = ["submitted", "queued", "leased", "running", "succeeded", "failed", "cancelled"] as const;
export const JobState = OneOf(JOB_STATES);
export type JobState = (typeof JOB_STATES)[number];
export const TERMINAL_STATES: readonly JobState[] = ["succeeded", "failed", "cancelled"];

export const JOB_TRANSITIONS: Readonly<Record<string, { from: readonly JobState[]; to: JobState }>> = {
  enqueue: { from: ["submitted"], to: "queued" },
  lease: { from: ["queued"], to: "leased" },
  start: { from: ["leased"], to: "running" },
  succeed: { from: ["leased", "running"], to: "succeeded" },
  fail: { from: ["queued", "leased", "running"], to: "failed" },
  cancel: { from: ["submitted", "queued", "leased", "running"], to: "cancelled" },
  requeue: { from: ["leased", "running"], to: "queued" },
};

/** Why a job failed: the closed list of what a developer may learn. */
export const REASON_CODES = {
  timeout: "The job ran longer than its class allows",
  memory_limit: "The job needed more memory than its class allows",
  forbidden_operation: "The job tried something that its sandbox does not allow",
  crashed: "The process that ran the job ended unexpectedly",
  script_error: "The script threw an error or did not compile",
  query_error: "A query could not be run",
  query_invalid: "A query is not valid SQL, or names something that is not mounted",
  plan_refused: "The query has a form that can never be released",
  egress_block: "The result discloses too much and is blocked",
  authority_missing: "The chain of authority does not hold any more",
  cancelled: "The job was cancelled",
  runner_lost: "The runner was lost",
  runner_fault: "The runner failed; the job may be submitted again",
  output_too_large: "The result is larger than allowed",
  output_invalid: "An output is not a table or a JSON value",
  output_missing: "The job produced no output",
  log_limit: "The job wrote more log than allowed",
  image_refused: "The image is not offered for this job",
  query_limit: "The script ran more queries than allowed",
  product_unavailable: "A data product could not be mounted",
} as const;
export type ReasonCode = keyof typeof REASON_CODES;
export const ReasonCodeText = OneOf(Object.keys(REASON_CODES) as ReasonCode[]);

export const JobClass = OneOf(["interactive", "batch"]);
export type JobClass = Static<typeof JobClass>;
export const JobMode = OneOf(["run", "validate", "twin"]);
export type JobMode = Static<typeof JobMode>;
export const ImageName = Type.String({ pattern: "^[a-z][a-z0-9-]*@[0-9]+$" });

/** Parameters of a job: constants that its SQL (`$name`) or script (`parameters.name`) uses. */
export const Parameters = Type.Record(
  Type.String({ pattern: "^[A-Za-z_][A-Za-z0-9_]{0,62}$" }),
  Type.Union([Type.String({ maxLength: 4000 }), Type.Number(), Type.Boolean(), Type.Null()]),
  { additionalProperties: false },
);
export type Parameters = Static<typeof Parameters>;

export const MAX_SQL_CHARACTERS = 32_768;
export const MAX_SCRIPT_CHARACTERS = 262_144;

export const JobSubmit = Type.Object(
  {
    scenario: Name,
    image: ImageName,
    sql: Type.Optional(Type.String({ minLength: 1, maxLength: MAX_SQL_CHARACTERS })),
    script: Type.Optional(Type.String({ minLength: 1, maxLength: MAX_SCRIPT_CHARACTERS })),
    parameters: Type.Optional(Parameters),
    /** Service type of the output; defaults to the first that the opinion names. */
    outputs: Type.Optional(
      Type.Object(
        { productType: Type.Optional(ProductType), recipients: Type.Optional(Type.Array(Name, { maxItems: 50 })) },
        { additionalProperties: false },
      ),
    ),
    mode: Type.Optional(JobMode),
    class: Type.Optional(JobClass),
    /** Ask for egress when the job succeeds (default true). */
    requestEgress: Type.Optional(Type.Boolean()),
    title: Type.Optional(Type.String({ maxLength: 200 })),
  },
  { additionalProperties: false },
);
export type JobSubmit = Static<typeof JobSubmit>;

export const JobView = Type.Object({
  id: Type.String(),
  scenario: Name,
  organisation: Name,
  submittedBy: Type.String(),
  title: Type.Optional(Type.String()),
  image: Type.String(),
  class: JobClass,
  mode: JobMode,
  state: JobState,
  reasonCode: Type.Optional(ReasonCodeText),
  reason: Type.Optional(Type.String()),
  submittedAt: Instant,
  startedAt: Type.Optional(Instant),
  finishedAt: Type.Optional(Instant),
  outputs: Type.Array(OutputDescriptor),
  egress: Type.Object({
    verdict: Verdict,
    requestId: Type.Optional(Type.String()),
    releaseId: Type.Optional(Type.String()),
    findings: Type.Array(Finding),
  }),
});
export type JobView = Static<typeof JobView>;

export const LogLine = Type.Object({ seq: Type.Integer(), level: Type.String(), text: Type.String() });
export type LogLine = Static<typeof LogLine>;

/** One event of a job's stream (`GET /v1/jobs/:id/events`). */
export const JobEvent = Type.Object({
  type: OneOf(["state", "progress"]),
  state: Type.Optional(JobState),
  stage: Type.Optional(Type.String()),
  at: Instant,
});
export type JobEvent = Static<typeof JobEvent>;
