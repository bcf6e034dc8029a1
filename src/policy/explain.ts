import { Type, type Static } from "typebox";
import { EgressFacts } from "#contract/egress.ts";
import { EgressAuthority, type PolicyReason } from "#contract/policy.ts";
import { RULES } from "#contract/rules.ts";
import { answerEgress, type DecidingBundle, type EgressDecision } from "./decide.ts";
import { invalidPolicies } from "./problem.ts";
import { numbersOf, type ProfileNumber } from "./profiles.ts";
import { parseYaml, readYaml } from "./yaml-file.ts";

/** What can be explained: facts and authority, and the profile whose numbers made the facts. */
const ExplainableFile = Type.Object(
  { facts: EgressFacts, authority: EgressAuthority, profile: Type.Optional(Type.String()) },
  { additionalProperties: false },
);
export type Explainable = Static<typeof ExplainableFile>;

export function parseExplainable(name: string, text: string): Explainable {
  const parsed = parseYaml(readYaml(name, text), ExplainableFile, "case_form");
  if ("problems" in parsed) throw invalidPolicies(parsed.problems);
  return parsed.value;
}

export interface AppliedPolicy {
  id: string;
  action: "release" | "autoRelease";
  effect: "permit" | "forbid";
  file: string;
  line: number;
  text: string;
}

export interface Explanation {
  bundle: string;
  verdict: EgressDecision["verdict"];
  reasons: PolicyReason[];
  errors: string[];
  /** Policies that held, for each action that was asked. */
  applied: AppliedPolicy[];
  /** Rules among the facts, in both languages. */
  rules: { rule: string; effect: "block" | "review" | "suppress" | "transform"; zh: string; en: string }[];
  profile?: { id: string; numbers: ProfileNumber[] };
}

type Bundle = DecidingBundle & { readonly profiles: ReadonlyMap<string, unknown> };

/** Which policies decide the facts, and why; with the numbers of the profile and what they stand on. */
export function explainEgress(bundle: Bundle, { facts, authority, profile }: Explainable): Explanation {
  const { decision, release, autoRelease } = answerEgress(bundle, { request: "egr_explained", facts, authority });
  const { verdict, reasons, errors } = decision;
  const applied = [
    ...release.policies.map((id) => appliedPolicy(bundle, id, "release")),
    ...(autoRelease?.policies ?? []).map((id) => appliedPolicy(bundle, id, "autoRelease")),
  ];
  const numbers = profile === undefined ? undefined : numbersOf(bundle.profiles.get(profile));
  return {
    bundle: bundle.digest,
    verdict,
    reasons,
    errors,
    applied,
    rules: rulesOf(facts),
    ...(profile === undefined ? {} : { profile: { id: profile, numbers: numbers ?? [] } }),
  };
}

function appliedPolicy(bundle: DecidingBundle, id: string, action: AppliedPolicy["action"]): AppliedPolicy {
  const policy = bundle.policies.get(id);
  if (!policy) throw new Error(`the policy set answered with an unknown policy: ${id}`);
  const { effect, file, line, text } = policy;
  return { id, action, effect, file, line, text };
}

function rulesOf({ blockedBy, reviewBy, suppressedBy, transformedBy = [] }: EgressFacts): Explanation["rules"] {
  const named = { block: blockedBy, review: reviewBy, suppress: suppressedBy, transform: transformedBy };
  return Object.entries(named).flatMap(([effect, rules]) =>
    rules.map((rule) => ({
      rule,
      effect: effect as keyof typeof named,
      zh: RULES[rule]?.zh ?? rule,
      en: RULES[rule]?.en ?? rule,
    })),
  );
}
