import * as cedar from "@cedar-policy/cedar-wasm/nodejs";
import type { EgressFacts, Verdict } from "#contract/egress.ts";
import { EgressAuthority, type PolicyReason } from "#contract/policy.ts";
import type { PolicyInfo } from "./cedar-file.ts";
import type { ReasonText } from "./reasons.ts";

/** What a decision needs of a bundle; also of one that is kept from long ago. */
export interface DecidingBundle {
  readonly digest: string;
  readonly policies: ReadonlyMap<string, PolicyInfo>;
  readonly reasons: ReadonlyMap<string, ReasonText>;
  /** Context attributes of its schema: it is told no others. */
  readonly attributes: readonly string[];
  /** Whether a policy names a single request: otherwise the answer is the same for all that are told of in the same way. */
  readonly namesRequests: boolean;
  readonly schemaName: string;
  readonly policySetId: string;
}

export interface EgressDecision {
  verdict: Extract<Verdict, "release" | "release_transformed" | "review" | "block">;
  reasons: PolicyReason[];
  /** Policies that could not be evaluated; any of them makes the verdict a block. */
  errors: string[];
  bundle: string;
}

export interface EgressQuestion {
  request: string;
  facts: EgressFacts;
  authority: EgressAuthority;
}

/** What the policies say to one action: those that decided, and those that could not be evaluated. */
export interface PolicyAnswer {
  allowed: boolean;
  /** On yes the permits that hold; on no the forbids that hold, none when nothing permits. */
  policies: string[];
  errors: string[];
}

export interface EgressAnswers {
  decision: EgressDecision;
  release: PolicyAnswer;
  /** Only asked when `release` is allowed. */
  autoRelease?: PolicyAnswer;
}

/**
 * Judges facts by the policies. Pure. Deny by default: `release` not allowed blocks, `release` allowed but
 * `autoRelease` not sends it to a person, and a policy that errs blocks and is named.
 */
export function decideEgress(bundle: DecidingBundle, question: EgressQuestion): EgressDecision {
  return answerEgress(bundle, question).decision;
}

/** The decision with the answers that it is made of. */
export function answerEgress(bundle: DecidingBundle, question: EgressQuestion): EgressAnswers {
  const release = ask(bundle, question, "release");
  if (!release.allowed) return { decision: decision(bundle, "block", release), release };
  const autoRelease = ask(bundle, question, "autoRelease");
  const { facts } = question;
  const isTransformed = facts.suppressedCells > 0 || (facts.transformedBy ?? []).length > 0;
  const verdict = isTransformed ? "release_transformed" : "release";
  if (autoRelease.errors.length > 0) return { decision: decision(bundle, "block", autoRelease), release, autoRelease };
  return { decision: decision(bundle, autoRelease.allowed ? verdict : "review", autoRelease), release, autoRelease };
}

/** What policies may be told: the label, the rules by their effect, and the authority. */
export const CONTEXT_ATTRIBUTES: readonly string[] = [
  "label",
  "blockedBy",
  "reviewBy",
  "suppressedBy",
  "transformedBy",
  ...Object.keys(EgressAuthority.properties).filter((name) => name !== "scenario"),
];

/**
 * Answers that were given, by all that they depend on: a request has no attributes, and there are no entities. The same job asked
 * again and again is told of in the same words.
 */
const given = new WeakMap<DecidingBundle, Map<string, PolicyAnswer>>();
const MAX_GIVEN = 1_000;

function ask(bundle: DecidingBundle, { request, facts, authority }: EgressQuestion, action: string): PolicyAnswer {
  const told: Record<string, cedar.CedarValueJson> = {
    ...authority,
    ...facts,
    transformedBy: facts.transformedBy ?? [],
  };
  const context = Object.fromEntries(bundle.attributes.map((name) => [name, told[name] ?? null]));
  const { scenario } = authority;
  if (bundle.namesRequests) return askCedar(bundle, { request, scenario, action, context });
  const answers = given.get(bundle) ?? new Map<string, PolicyAnswer>();
  given.set(bundle, answers);
  const key = JSON.stringify([action, scenario, context]);
  const known = answers.get(key);
  if (known) return known;
  const answer = askCedar(bundle, { request, scenario, action, context });
  if (answers.size >= MAX_GIVEN) answers.clear();
  answers.set(key, answer);
  return answer;
}

interface CedarQuestion {
  request: string;
  scenario: string;
  action: string;
  context: Record<string, cedar.CedarValueJson>;
}

function askCedar(bundle: DecidingBundle, { request, scenario, action, context }: CedarQuestion): PolicyAnswer {
  const answer = cedar.statefulIsAuthorized({
    principal: { type: "Scenario", id: scenario },
    action: { type: "Action", id: action },
    resource: { type: "EgressRequest", id: request },
    context,
    entities: [],
    preparsedSchemaName: bundle.schemaName,
    preparsedPolicySetId: bundle.policySetId,
    validateRequest: true,
  });
  if (answer.type === "failure") {
    return { allowed: false, policies: [], errors: answer.errors.map((error) => error.message) };
  }
  const { decision: effect, diagnostics } = answer.response;
  const errors = diagnostics.errors.map((error) => error.policyId);
  return {
    allowed: effect === "allow" && errors.length === 0,
    policies: errors.length > 0 && effect === "allow" ? [] : diagnostics.reason.toSorted(),
    errors,
  };
}

function decision(
  bundle: DecidingBundle,
  verdict: EgressDecision["verdict"],
  { policies, errors }: PolicyAnswer,
): EgressDecision {
  const reasons = policies.map((id) => describe(bundle, id));
  if (errors.length > 0) reasons.push(own(bundle, "policy_failed", "a policy that errs denies"));
  else if (verdict === "review" && reasons.length === 0) reasons.push(own(bundle, "not_permitted_automatically"));
  else if (verdict === "block" && reasons.length === 0) reasons.push(own(bundle, "not_permitted"));
  return { verdict, reasons, errors, bundle: bundle.digest };
}

function own(bundle: DecidingBundle, code: string, basis = "deny by default"): PolicyReason {
  return { policy: "default", code, message: reasonText(bundle, code), basis };
}

function describe(bundle: DecidingBundle, id: string): PolicyReason {
  const policy = bundle.policies.get(id);
  if (!policy) throw new Error(`the policy set answered with an unknown policy: ${id}`);
  return { policy: id, code: policy.reason, message: reasonText(bundle, policy.reason), basis: policy.basis };
}

/** A bundle of an older program may lack a text that only the program gives. */
function reasonText(bundle: DecidingBundle, code: string): ReasonText {
  return bundle.reasons.get(code) ?? { zh: code, en: code };
}
