import { Type, type Static } from "typebox";
import { Day, DigestText, Instant, Name } from "./common.ts";

export const Visibility = Type.Union([Type.Literal("aggregates"), Type.Literal("rows")], {
  description: "What a script of the scenario may see",
});
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
export const ProductType = Type.Union(PRODUCT_TYPES.map((type) => Type.Literal(type)));
export type ProductType = Static<typeof ProductType>;

export const ExpertOpinion = Type.Object(
  { issuer: Type.String(), number: Type.String(), date: Day, digest: Type.Optional(DigestText) },
  { additionalProperties: false },
);
export const Agreement = Type.Object(
  { number: Type.String(), validFrom: Day, validTo: Day },
  { additionalProperties: false },
);
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

/** Steps of a scenario. The chain of authority holds for jobs from `building` on and for release only in `live`. */
export const SCENARIO_TRANSITIONS: Readonly<Record<string, { from: readonly ScenarioState[]; to: ScenarioState }>> = {
  propose: { from: [], to: "proposed" },
  approve: { from: ["proposed", "under_review"], to: "approved" },
  reject: { from: ["proposed", "under_review"], to: "rejected" },
  sign: { from: ["approved"], to: "agreement_signed" },
  file: { from: ["agreement_signed"], to: "filed" },
  build: { from: ["filed"], to: "building" },
  pre_review: { from: ["building"], to: "pre_review" },
  file_opinion: { from: ["building", "pre_review"], to: "opinion_filed" },
  go_live: { from: ["opinion_filed"], to: "live" },
  suspend: { from: ["building", "pre_review", "opinion_filed", "live"], to: "suspended" },
  resume: { from: ["suspended"], to: "live" },
  terminate: {
    from: ["approved", "agreement_signed", "filed", "building", "pre_review", "opinion_filed", "live", "suspended"],
    to: "terminated",
  },
};

export const ScenarioView = Type.Object({
  id: Name,
  developer: Name,
  title: Type.Optional(Type.String()),
  purpose: Type.String(),
  state: Type.Union(SCENARIO_STATES.map((state) => Type.Literal(state))),
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
  kind: Type.Union([Type.Literal("agreement"), Type.Literal("opinion")]),
  scenario: Name,
  number: Type.String(),
  state: Type.Union(["prepared", "submitted", "accepted", "returned", "archived"].map((s) => Type.Literal(s))),
  submittedAt: Type.Optional(Instant),
  decidedAt: Type.Optional(Instant),
  decidedBy: Type.Optional(Type.String()),
  comment: Type.Optional(Type.String()),
});
export type FilingView = Static<typeof FilingView>;
