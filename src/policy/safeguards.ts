import type { EgressFacts } from "#contract/egress.ts";
import type { EgressAuthority } from "#contract/policy.ts";
import { RULES } from "#contract/rules.ts";
import { type DecidingBundle, decideEgress, type EgressDecision } from "./decide.ts";
import type { PolicyProblem } from "./problem.ts";

/** Everything speaks for it: what must not be released even so is a safeguard. */
const FACTS: EgressFacts = {
  label: "safe",
  cells: 1,
  suppressedCells: 0,
  blockedBy: [],
  reviewBy: [],
  suppressedBy: [],
  maxGrade: "L1",
  products: [],
};
const AUTHORITY: EgressAuthority = {
  scenario: "any",
  scenarioLive: true,
  opinionEffective: true,
  opinionAutoRelease: true,
  productTypeInOpinion: true,
  recipientsInOpinion: true,
  approvals: 9,
  reviewersRequired: 1,
};

interface Safeguard {
  what: string;
  facts?: Partial<EgressFacts>;
  authority?: Partial<EgressAuthority>;
  /** Verdicts that are still right. */
  allowed: readonly EgressDecision["verdict"][];
}

const BLOCK = ["block"] as const;
const PERSON = ["review", "block"] as const;

/** What no policy of a deployment may change. INVARIANT: a bundle that breaks one of these stops the process. */
const SAFEGUARDS: readonly Safeguard[] = [
  ...Object.keys(RULES).map((rule) => ({
    what: `a result that ${rule} blocks`,
    facts: { blockedBy: [rule] },
    allowed: BLOCK,
  })),
  { what: "a result of a scenario that is not live", authority: { scenarioLive: false }, allowed: BLOCK },
  { what: "a result without an effective opinion", authority: { opinionEffective: false }, allowed: BLOCK },
  { what: "an output that the opinion does not name", authority: { productTypeInOpinion: false }, allowed: BLOCK },
  { what: "a recipient that the opinion does not name", authority: { recipientsInOpinion: false }, allowed: BLOCK },
  {
    what: "rows that no person approved",
    facts: { label: "row_level" },
    authority: { approvals: 0 },
    allowed: PERSON,
  },
  {
    what: "rows that too few people approved",
    facts: { label: "row_level" },
    authority: { approvals: 1, reviewersRequired: 2 },
    allowed: PERSON,
  },
  ...Object.keys(RULES).map((rule) => ({
    what: `a result that ${rule} sends to a person, and no person approved`,
    facts: { reviewBy: [rule] },
    authority: { approvals: 0 },
    allowed: PERSON,
  })),
];

export function safeguardProblems(bundle: DecidingBundle): PolicyProblem[] {
  return SAFEGUARDS.flatMap(({ what, facts, authority, allowed }): PolicyProblem[] => {
    const question = { facts: { ...FACTS, ...facts }, authority: { ...AUTHORITY, ...authority } };
    const { verdict, reasons } = decideEgress(bundle, { request: "egr_safeguard", ...question });
    if (allowed.includes(verdict)) return [];
    const by = reasons.map(({ policy }) => policy).join(", ");
    const file = bundle.policies.get(reasons[0]?.policy ?? "");
    const message = `${what} would be released (by ${by})`;
    return [{ file: file?.file ?? "egress.cedar", line: file?.line ?? 1, code: "decision_unsafe", message }];
  });
}
