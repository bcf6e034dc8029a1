import { Type, type Static } from "typebox";
import { DigestText, Instant, Name } from "./common.ts";
import { EgressFacts, Verdict } from "./egress.ts";

/** The authority under which a result asks to leave, as the policies see it. */
export const EgressAuthority = Type.Object(
  {
    scenario: Name,
    scenarioLive: Type.Boolean(),
    opinionEffective: Type.Boolean(),
    opinionAutoRelease: Type.Boolean(),
    productTypeInOpinion: Type.Boolean(),
    recipientsInOpinion: Type.Boolean(),
    /** Different reviewers who approved, and how many the profile asks for. */
    approvals: Type.Integer({ minimum: 0 }),
    reviewersRequired: Type.Integer({ minimum: 0 }),
  },
  { additionalProperties: false },
);
export type EgressAuthority = Static<typeof EgressAuthority>;

export const PolicyReason = Type.Object({
  policy: Type.String(),
  code: Type.String(),
  message: Type.Object({ zh: Type.String(), en: Type.String() }),
  basis: Type.String(),
});
export type PolicyReason = Static<typeof PolicyReason>;

/** One decision of the policies on a request, with all that it was made of. */
export const PolicyDecision = Type.Object({
  /** `opened`: when the request was made; `reviewed`: when a reviewer approved. */
  on: Type.String(),
  at: Instant,
  /** Digest of the bundle that decided. */
  bundle: Type.String(),
  verdict: Verdict,
  reasons: Type.Array(PolicyReason),
  /** Absent for decisions before it was kept. */
  authority: Type.Optional(EgressAuthority),
});
export type PolicyDecision = Static<typeof PolicyDecision>;

/** What is needed to explain an egress request again, from the stored text of the bundles. */
export const PolicyRecord = Type.Object({
  request: Type.String(),
  scenario: Name,
  profile: Type.String(),
  facts: EgressFacts,
  decisions: Type.Array(PolicyDecision),
});
export type PolicyRecord = Static<typeof PolicyRecord>;

export const PolicyBundleSummary = Type.Object({
  digest: DigestText,
  /** Whether this server decides by it now. */
  current: Type.Boolean(),
  firstUsedAt: Instant,
  /** When it last became the one that decides. */
  adoptedAt: Instant,
  /** What brought it: the start of a server. */
  adoptedBy: Type.String(),
});
export type PolicyBundleSummary = Static<typeof PolicyBundleSummary>;

/** The very texts, by path in the policy directory; their digest is the bundle's name. */
export const PolicyBundleText = Type.Object({
  ...PolicyBundleSummary.properties,
  files: Type.Record(Type.String(), Type.String()),
});
export type PolicyBundleText = Static<typeof PolicyBundleText>;
