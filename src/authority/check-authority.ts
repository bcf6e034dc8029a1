import type { AuthorityReason } from "#contract/authority.ts";
import type { ScenarioState } from "#contract/scenario.ts";
import { type Clock, localDay } from "#kernel/clock.ts";
import type { Database, Transaction } from "#persistence/index.ts";
import { type Chain, type ChainProduct, resolveChain } from "./chain.ts";

export interface AuthorityQuestion {
  scenario: string;
  /** Whose member asks. */
  organisation: string;
  /** A job may run from `building` on; a release without a person takes a live scenario and an opinion in effect. */
  purpose: "job" | "release";
  clock: Clock;
  /** With what is mounted of the products. */
  manifests?: boolean;
}

/** A chain that holds today: signed agreement, accepted filing, every product published. */
export type ValidChain = Chain & Required<Pick<Chain, "agreement" | "filing">> & { products: Required<ChainProduct>[] };
/** One that also carries an opinion in effect, as a permit for `release` always does. */
export type ReleasableChain = ValidChain & Required<Pick<Chain, "opinion" | "opinionFiling">>;

export type AuthorityDecision<C extends ValidChain = ValidChain> =
  | { effect: "permit"; chain: C }
  | { effect: "deny"; reasons: readonly AuthorityReason[] };

/**
 * Whether today's chain of authority covers what is asked; one statement. A scenario of another organisation gets the
 * answer of one that does not exist.
 */
export async function checkAuthority(
  db: Database | Transaction,
  question: AuthorityQuestion & { purpose: "release" },
): Promise<AuthorityDecision<ReleasableChain>>;
export async function checkAuthority(
  db: Database | Transaction,
  question: AuthorityQuestion,
): Promise<AuthorityDecision>;
export async function checkAuthority(
  db: Database | Transaction,
  question: AuthorityQuestion,
): Promise<AuthorityDecision> {
  const { manifests } = question;
  const chain = await resolveChain(db, question.scenario, { manifests });
  if (!chain || chain.developer.id !== question.organisation) {
    return { effect: "deny", reasons: ["scenario_unknown"] };
  }
  const { purpose, clock } = question;
  return judgeChain(chain, { purpose, today: localDay(clock), nowMs: clock.nowMs() });
}

/** The judgement by itself: what `checkAuthority` says of this chain on this day (`YYYY-MM-DD`). Pure. */
export function judgeChain(
  chain: Chain,
  on: { purpose: "job" | "release"; today: string; nowMs: number },
): AuthorityDecision {
  const { purpose, today } = on;
  const reasons = [
    ...standingReasons(chain, on),
    ...termReasons(chain, today),
    ...(purpose === "release" ? opinionReasons(chain) : []),
    ...(isPublished(chain) ? [] : (["product_unpublished"] as const)),
  ];
  if (reasons.length > 0 || !isValid(chain)) return { effect: "deny", reasons };
  return { effect: "permit", chain };
}

/**
 * Of what stops a release, the suspensions only: its content stays readable when a term has ended, not when somebody
 * stopped the scenario or the organisation.
 */
export async function suspensionReasons(
  db: Database | Transaction,
  { scenario, organisation, clock }: Omit<AuthorityQuestion, "purpose" | "manifests">,
): Promise<AuthorityReason[]> {
  const chain = await resolveChain(db, scenario);
  if (!chain || chain.developer.id !== organisation) return ["scenario_unknown"];
  const stops: readonly AuthorityReason[] = ["organisation_suspended", "scenario_suspended"];
  const reasons = standingReasons(chain, { purpose: "release", nowMs: clock.nowMs() });
  return reasons.filter((reason) => stops.includes(reason));
}

const JOB_STATES: readonly ScenarioState[] = ["building", "pre_review", "opinion_filed", "live"];

function standingReasons(chain: Chain, on: { purpose: "job" | "release"; nowMs: number }): AuthorityReason[] {
  const reasons: AuthorityReason[] = [];
  const { state } = chain.scenario;
  const { purpose } = on;
  const suspended = suspendedScopes(chain.suspensions, on.nowMs);
  if (chain.developer.state !== "active" || suspended.has("organisation")) reasons.push("organisation_suspended");
  if (state === "suspended" || suspended.has("scenario")) reasons.push("scenario_suspended");
  else if (purpose === "job" ? !JOB_STATES.includes(state) : state !== "live") reasons.push("scenario_not_active");
  return reasons;
}

function suspendedScopes(suspensions: Chain["suspensions"], nowMs: number): Set<string> {
  const inForce = suspensions.filter(({ until }) => until === null || Date.parse(until) > nowMs);
  return new Set(inForce.map(({ scope }) => scope));
}

function termReasons(chain: Chain, today: string): AuthorityReason[] {
  const reasons: AuthorityReason[] = [];
  const { headAgreement, agreement, filing } = chain;
  if (today < headAgreement.validFrom) reasons.push("head_agreement_not_started");
  if (today > headAgreement.validTo) reasons.push("head_agreement_expired");
  if (!agreement) reasons.push("agreement_missing");
  if (agreement && today < agreement.validFrom) reasons.push("agreement_not_started");
  if (agreement && today > agreement.validTo) reasons.push("agreement_expired");
  if (!filing) reasons.push("filing_missing");
  return reasons;
}

function opinionReasons(chain: Chain): AuthorityReason[] {
  if (!chain.opinion || !chain.opinionFiling) return ["opinion_missing"];
  return chain.opinion.state === "effective" ? [] : ["opinion_not_effective"];
}

function isPublished(chain: Chain): boolean {
  return chain.products.length > 0 && chain.products.every((product) => product.version !== undefined);
}

function isValid(chain: Chain): chain is ValidChain {
  return chain.agreement !== undefined && chain.filing !== undefined && isPublished(chain);
}
