import * as cedar from "@cedar-policy/cedar-wasm/nodejs";
import type { EgressFacts, Verdict } from "#contract/egress.ts";
import type { PolicyBundle } from "./load.ts";

/** The authority under which a result asks to leave. */
export interface EgressAuthority {
  scenario: string;
  scenarioLive: boolean;
  opinionEffective: boolean;
  opinionAutoRelease: boolean;
  productTypeInOpinion: boolean;
  recipientsInOpinion: boolean;
  approvals: number;
  reviewersRequired: number;
}

export interface PolicyReason {
  policy: string;
  code: string;
  message: { zh: string; en: string };
  basis: string;
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

/**
 * Judges facts by the policies. Pure. Deny by default: `release` not allowed blocks, `release` allowed but
 * `autoRelease` not sends it to a person, and a policy that errs blocks and is named.
 */
export function decideEgress(bundle: PolicyBundle, question: EgressQuestion): EgressDecision {
  const release = ask(bundle, question, "release");
  if (!release.allowed) return decision(bundle, "block", release);
  const automatic = ask(bundle, question, "autoRelease");
  if (automatic.errors.length > 0) return decision(bundle, "block", automatic);
  if (!automatic.allowed) return reviewDecision(bundle, automatic);
  const transformed = question.facts.suppressedCells > 0;
  return decision(bundle, transformed ? "release_transformed" : "release", automatic);
}

interface Answer {
  allowed: boolean;
  reasons: string[];
  errors: string[];
}

function ask(bundle: PolicyBundle, { request, facts, authority }: EgressQuestion, action: string): Answer {
  const { scenario, ...chain } = authority;
  const { label, blockedBy, reviewBy, suppressedBy } = facts;
  const answer = cedar.statefulIsAuthorized({
    principal: { type: "Scenario", id: scenario },
    action: { type: "Action", id: action },
    resource: { type: "EgressRequest", id: request },
    context: { label, blockedBy, reviewBy, suppressedBy, ...chain },
    entities: [],
    preparsedSchemaName: bundle.schemaName,
    preparsedPolicySetId: bundle.policySetId,
    validateRequest: true,
  });
  if (answer.type === "failure") {
    return { allowed: false, reasons: [], errors: answer.errors.map((error) => error.message) };
  }
  const { decision: effect, diagnostics } = answer.response;
  const errors = diagnostics.errors.map((error) => error.policyId);
  return { allowed: effect === "allow" && errors.length === 0, reasons: diagnostics.reason, errors };
}

function decision(bundle: PolicyBundle, verdict: EgressDecision["verdict"], answer: Answer): EgressDecision {
  const reasons = answer.reasons.toSorted().map((id) => describe(bundle, id));
  return { verdict, reasons, errors: answer.errors, bundle: bundle.digest };
}

function reviewDecision(bundle: PolicyBundle, answer: Answer): EgressDecision {
  const code = "not_permitted_automatically";
  const reason = { policy: "default", code, message: reasonText(bundle, code), basis: "deny by default" };
  return { verdict: "review", reasons: [reason], errors: answer.errors, bundle: bundle.digest };
}

function describe(bundle: PolicyBundle, id: string): PolicyReason {
  const policy = bundle.policies.get(id);
  if (!policy) throw new Error(`the policy set answered with an unknown policy: ${id}`);
  return { policy: id, code: policy.reason, message: reasonText(bundle, policy.reason), basis: policy.basis };
}

function reasonText(bundle: PolicyBundle, code: string): { zh: string; en: string } {
  const text = bundle.reasons.get(code);
  if (!text) throw new Error(`no text for the reason code ${code}`);
  return text;
}
