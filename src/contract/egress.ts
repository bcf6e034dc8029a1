import { Type, type Static } from "typebox";
import { Instant, Name, OneOf } from "./common.ts";
import { ProductType } from "./scenario.ts";

export const VERDICTS = ["pending", "release", "release_transformed", "review", "block", "not_requested"] as const;
export const Verdict = OneOf(VERDICTS);
export type Verdict = (typeof VERDICTS)[number];

/** Families of rules: what a developer is told instead of the number that was missed. */
export const FINDING_FAMILIES = [
  "form", // the SQL has a form that cannot be judged or released
  "threshold", // too few subjects
  "dominance", // one or two subjects dominate
  "disclosure", // a group is disclosed
  "differencing",
  "sparsity",
  "classification", // grades, important data
  "authority", // joins, opinion, recipients
  "label", // the script saw rows
  "limits", // size and format
] as const;
export type FindingFamily = (typeof FINDING_FAMILIES)[number];

export const Finding = Type.Object({
  rule: Type.String({ description: "Rule id (R1 … R30) or G1/G2 for the plan gate" }),
  family: OneOf(FINDING_FAMILIES),
  /** Stable code of the reason, e.g. `aggregate_refused`. */
  code: Type.String(),
  effect: OneOf(["refuse", "block", "review", "suppress", "transform", "note"]),
  message: Type.String(),
  /** The construct as the developer wrote it, e.g. `max(income)`; never a data value. */
  construct: Type.Optional(Type.String()),
  /** Offset in the developer's SQL, in characters from 0. */
  position: Type.Optional(Type.Integer({ minimum: 0 })),
  /** The nearest form that would be accepted. */
  suggestion: Type.Optional(Type.String()),
  /** Output or statement that it concerns. */
  subject: Type.Optional(Type.String()),
});
export type Finding = Static<typeof Finding>;

/** What a label says about everything that a job can emit. Labels only rise. */
export const LABELS = ["safe", "row_level"] as const;
export const Label = OneOf(LABELS);
export type Label = (typeof LABELS)[number];

/**
 * Whether a job's owner may learn what its outputs are. Under the row-level label names, columns and sizes are data
 * too, and are shown only with the release.
 */
export function canShowOutputs(label: Label | null, releaseId: string | undefined): boolean {
  return label === "safe" || releaseId !== undefined;
}

/**
 * Facts about the outputs of one job, made by the engine. Numbers are for reviewers and policies, never for
 * the developer.
 */
export const EgressFacts = Type.Object({
  label: Label,
  /** Released cells before suppression, all outputs. */
  cells: Type.Integer({ minimum: 0 }),
  suppressedCells: Type.Integer({ minimum: 0 }),
  /** Rules whose effect is block, review, suppress: ids, sorted, unique. */
  blockedBy: Type.Array(Type.String()),
  reviewBy: Type.Array(Type.String()),
  suppressedBy: Type.Array(Type.String()),
  /** Rules that change what leaves (R16); absent when none does. */
  transformedBy: Type.Optional(Type.Array(Type.String())),
  /** Highest grade of any column that was read. */
  maxGrade: Type.String(),
  /** Products that were read. */
  products: Type.Array(Name),
});
export type EgressFacts = Static<typeof EgressFacts>;

export const EGRESS_STATES = [
  "draft",
  "submitted",
  "auto_checked",
  "under_review",
  "returned",
  "rejected",
  "approved",
  "sealed",
  "released",
  "revoked",
  "expired",
] as const;
export type EgressState = (typeof EGRESS_STATES)[number];

export const EGRESS_TRANSITIONS: Readonly<Record<string, { from: readonly EgressState[]; to: EgressState }>> = {
  submit: { from: ["draft"], to: "submitted" },
  check: { from: ["submitted"], to: "auto_checked" },
  refer: { from: ["auto_checked"], to: "under_review" },
  return: { from: ["under_review"], to: "returned" },
  reject: { from: ["auto_checked", "under_review"], to: "rejected" },
  approve: { from: ["auto_checked", "under_review"], to: "approved" },
  release: { from: ["approved"], to: "released" },
  revoke: { from: ["released"], to: "revoked" },
  expire: { from: ["under_review", "returned", "released"], to: "expired" },
};

export const EgressCreate = Type.Object(
  {
    job: Type.String({ pattern: "^job_[0-9a-z]{26}$" }),
    productType: ProductType,
    purpose: Type.String({ minLength: 1, maxLength: 2000 }),
    recipients: Type.Array(Name, { minItems: 1, maxItems: 50 }),
  },
  { additionalProperties: false },
);
export type EgressCreate = Static<typeof EgressCreate>;

export const OutputDescriptor = Type.Object({
  name: Type.String(),
  kind: OneOf(["table", "json"]),
  rows: Type.Integer({ minimum: 0 }),
  bytes: Type.Integer({ minimum: 0 }),
  columns: Type.Array(Type.Object({ name: Type.String(), type: Type.String() })),
  suppressed: Type.Integer({ minimum: 0 }),
});
export type OutputDescriptor = Static<typeof OutputDescriptor>;

export const ReviewDecision = OneOf(["approve", "reject", "return"]);
export const ReviewCreate = Type.Object(
  {
    decision: ReviewDecision,
    comment: Type.String({ minLength: 1, maxLength: 4000 }),
    reasonCodes: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 20 })),
  },
  { additionalProperties: false },
);
export type ReviewCreate = Static<typeof ReviewCreate>;

export const ReviewView = Type.Object({
  id: Type.String(),
  decision: ReviewDecision,
  /** The reviewer is named to the operator only. */
  reviewer: Type.Optional(Type.String()),
  comment: Type.String(),
  reasonCodes: Type.Array(Type.String()),
  at: Instant,
});

/** Evidence of one statement, for reviewers: generic columns because it follows the statement's keys. */
export const StatementEvidence = Type.Object({
  statement: Type.Integer(),
  sql: Type.String(),
  label: Label,
  planDigest: Type.Optional(Type.String()),
  findings: Type.Array(Finding),
  facts: Type.Optional(EgressFacts),
  columns: Type.Array(Type.String()),
  cells: Type.Array(Type.Array(Type.Unknown())),
  truncated: Type.Boolean(),
  /** The engine was ended before it answered. */
  unfinished: Type.Optional(Type.Literal(true)),
});
export type StatementEvidence = Static<typeof StatementEvidence>;

export const EgressRequestView = Type.Object({
  id: Type.String(),
  job: Type.String(),
  scenario: Name,
  organisation: Name,
  applicant: Type.String(),
  state: OneOf(EGRESS_STATES),
  verdict: Verdict,
  productType: ProductType,
  purpose: Type.String(),
  recipients: Type.Array(Name),
  findings: Type.Array(Finding),
  outputs: Type.Array(OutputDescriptor),
  reviews: Type.Array(ReviewView),
  releaseId: Type.Optional(Type.String()),
  createdAt: Instant,
  updatedAt: Instant,
  /** For reviewers only. */
  facts: Type.Optional(EgressFacts),
  evidence: Type.Optional(Type.Array(StatementEvidence)),
  previousReleases: Type.Optional(Type.Array(Type.String())),
});
export type EgressRequestView = Static<typeof EgressRequestView>;
