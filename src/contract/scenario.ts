import { Type, type Static } from "typebox";
import { Day, DigestText, Instant, Name, OneOf } from "./common.ts";

export const Visibility = OneOf(["aggregates", "rows"], { description: "What a script of the scenario may see" });
export type Visibility = Static<typeof Visibility>;

/** `product.column`, both as declared. */
export const ColumnPath = Type.String({ pattern: "^[a-z][a-z0-9_-]{0,62}\\..{1,128}$" });
export const JoinRule = Type.Object({ left: ColumnPath, right: ColumnPath }, { additionalProperties: false });
export type JoinRule = Static<typeof JoinRule>;

export const PRODUCT_TYPES = [
  "dataset",
  "data_api",
  "statistical_report",
  "data_cleansing",
  "model",
  "visualisation",
] as const;
export const ProductType = OneOf(PRODUCT_TYPES);
export type ProductType = Static<typeof ProductType>;

export const ExpertOpinion = Type.Object(
  { issuer: Type.String(), number: Type.String(), date: Day, digest: Type.Optional(DigestText) },
  { additionalProperties: false },
);
export type ExpertOpinion = Static<typeof ExpertOpinion>;
const AtLeastOne = Type.Integer({ minimum: 1, maximum: 1_000_000_000 });
/** How much may be run under an agreement; what is not said has no limit of its own. */
export const Quota = Type.Object(
  {
    /** Jobs that have not ended, at once. */
    inFlight: Type.Optional(AtLeastOne),
    /** Per `period`: jobs submitted, processor seconds used, releases made. */
    jobs: Type.Optional(AtLeastOne),
    cpuSeconds: Type.Optional(AtLeastOne),
    releases: Type.Optional(AtLeastOne),
    /** Calendar day or month of the deployment's place; the default is a day. */
    period: Type.Optional(OneOf(["day", "month"])),
    /** Classes that jobs may ask for; the default is both. */
    classes: Type.Optional(Type.Array(OneOf(["interactive", "batch"]), { minItems: 1, maxItems: 2 })),
  },
  { additionalProperties: false },
);
export type Quota = Static<typeof Quota>;
export const Agreement = Type.Object(
  { number: Type.String(), validFrom: Day, validTo: Day, quota: Type.Optional(Quota) },
  { additionalProperties: false },
);
export type Agreement = Static<typeof Agreement>;
export const Opinion = Type.Object(
  {
    number: Type.String(),
    profile: Name,
    outputs: Type.Array(ProductType, { minItems: 1 }),
    recipients: Type.Array(Name, { minItems: 1 }),
    autoRelease: Type.Optional(Type.Boolean({ default: false })),
  },
  { additionalProperties: false },
);
export type Opinion = Static<typeof Opinion>;

export const ScenarioSpec = Type.Object(
  {
    id: Name,
    developer: Name,
    title: Type.Optional(Type.String({ maxLength: 200 })),
    purpose: Type.String({ minLength: 1, maxLength: 2000 }),
    products: Type.Array(Name, { minItems: 1 }),
    joins: Type.Optional(Type.Array(JoinRule)),
    visibility: Type.Optional(Visibility),
    expertOpinion: Type.Optional(ExpertOpinion),
    agreement: Type.Optional(Agreement),
    opinion: Type.Optional(Opinion),
  },
  { additionalProperties: false },
);
export type ScenarioSpec = Static<typeof ScenarioSpec>;

export const SCENARIO_STATES = [
  "proposed",
  "under_review",
  "approved",
  "rejected",
  "agreement_signed",
  "filed",
  "building",
  "pre_review",
  "opinion_filed",
  "live",
  "suspended",
  "expired",
  "terminated",
  "cleaned",
  "closed",
] as const;
export type ScenarioState = (typeof SCENARIO_STATES)[number];

/** What can be done to a scenario. */
export const SCENARIO_STEPS = [
  "approve",
  "reject",
  "sign",
  "file",
  "return_agreement",
  "build",
  "pre_review",
  "file_opinion",
  "return_opinion",
  "go_live",
  "amend",
  "suspend",
  "resume",
  "expire",
  "terminate",
] as const;
export type ScenarioStep = (typeof SCENARIO_STEPS)[number];

/**
 * Steps of a scenario: the chain of authority holds for jobs from `building` on and for release only in `live`.
 * `resume` leads back to the state before the suspension (never further), and `amend` takes what is under way back
 * to `building`, because an opinion covers the products, joins and visibility that it was issued for. A new
 * agreement is signed, and a new opinion issued (`pre_review`), also when one is in force: everything after it is
 * then done again.
 */
export const SCENARIO_TRANSITIONS: Readonly<
  Record<ScenarioStep, { from: readonly ScenarioState[]; to: ScenarioState | "before_suspension" }>
> = {
  approve: { from: ["proposed", "under_review"], to: "approved" },
  reject: { from: ["proposed", "under_review"], to: "rejected" },
  sign: {
    from: ["approved", "agreement_signed", "filed", "building", "pre_review", "opinion_filed", "live", "expired"],
    to: "agreement_signed",
  },
  file: { from: ["agreement_signed"], to: "filed" },
  return_agreement: { from: ["filed"], to: "agreement_signed" },
  build: { from: ["filed"], to: "building" },
  pre_review: { from: ["building", "pre_review", "opinion_filed", "live"], to: "pre_review" },
  file_opinion: { from: ["pre_review"], to: "opinion_filed" },
  return_opinion: { from: ["opinion_filed"], to: "pre_review" },
  go_live: { from: ["opinion_filed"], to: "live" },
  amend: { from: ["building", "pre_review", "opinion_filed", "live"], to: "building" },
  suspend: { from: ["building", "pre_review", "opinion_filed", "live"], to: "suspended" },
  resume: { from: ["suspended"], to: "before_suspension" },
  expire: {
    from: ["agreement_signed", "filed", "building", "pre_review", "opinion_filed", "live", "suspended"],
    to: "expired",
  },
  terminate: {
    from: [
      "approved",
      "agreement_signed",
      "filed",
      "building",
      "pre_review",
      "opinion_filed",
      "live",
      "suspended",
      "expired",
    ],
    to: "terminated",
  },
};

export const OPINION_STATES = [
  "drafted",
  "issued",
  "filed",
  "accepted",
  "effective",
  "superseded",
  "withdrawn",
] as const;
export type OpinionState = (typeof OPINION_STATES)[number];

export type OpinionStep = "issue" | "file" | "accept" | "return" | "take_effect" | "supersede" | "withdraw";

/** A returned opinion is a draft again; only an accepted filing and the go-live that cites it make it effective. */
export const OPINION_TRANSITIONS: Readonly<Record<OpinionStep, { from: readonly OpinionState[]; to: OpinionState }>> = {
  issue: { from: ["drafted"], to: "issued" },
  file: { from: ["issued"], to: "filed" },
  accept: { from: ["filed"], to: "accepted" },
  return: { from: ["filed"], to: "drafted" },
  take_effect: { from: ["accepted"], to: "effective" },
  supersede: { from: ["drafted", "issued", "filed", "accepted", "effective"], to: "superseded" },
  withdraw: { from: ["drafted", "issued", "filed", "accepted", "effective"], to: "withdrawn" },
};

export const FILING_STATES = ["prepared", "submitted", "accepted", "returned", "archived"] as const;
export type FilingState = (typeof FILING_STATES)[number];

export const ScenarioView = Type.Object({
  id: Name,
  developer: Name,
  title: Type.Optional(Type.String()),
  purpose: Type.String(),
  state: OneOf(SCENARIO_STATES),
  visibility: Visibility,
  products: Type.Array(Name),
  joins: Type.Array(JoinRule),
  expertOpinion: Type.Optional(ExpertOpinion),
  agreement: Type.Optional(Agreement),
  opinion: Type.Optional(Type.Object({ ...Opinion.properties, state: Type.String(), effective: Type.Boolean() })),
  createdAt: Instant,
  updatedAt: Instant,
});
export type ScenarioView = Static<typeof ScenarioView>;

export const FilingView = Type.Object({
  id: Type.String(),
  kind: OneOf(["agreement", "opinion"]),
  scenario: Name,
  number: Type.String(),
  state: OneOf(FILING_STATES),
  submittedAt: Type.Optional(Instant),
  decidedAt: Type.Optional(Instant),
  decidedBy: Type.Optional(Type.String()),
  comment: Type.Optional(Type.String()),
});
export type FilingView = Static<typeof FilingView>;
