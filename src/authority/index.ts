/**
 * The chain of authority: organisations, head agreements, scenarios, cooperation agreements, filings and pre-review
 * opinions, the steps by which they come into force, the space file that declares them all, and the one question
 * that every job and release asks, `checkAuthority`. States change by the transition tables of
 * `contract/scenario.ts` only, and each step checks who takes it, whatever the route checked before.
 *
 * It must never permit what it cannot derive from the recorded chain, never treat a filing as an approval, and never
 * let a stranger tell a scenario of somebody else from one that does not exist.
 */
export { type Chain, type ChainProduct, resolveChain } from "./chain.ts";
export {
  type AuthorityDecision,
  type AuthorityQuestion,
  checkAuthority,
  suspensionReasons,
  type ReleasableChain,
  type ValidChain,
} from "./check-authority.ts";
export type { StepContext } from "./step-context.ts";
export type { Reader } from "./reader.ts";
export { findOrganisation, setOrganisationState } from "./organisation.ts";
export { proposeScenario, type Proposal } from "./scenario.ts";
export { type ScenarioAction, takeStep } from "./take-step.ts";
export { decideFiling, type FilingDecision } from "./filing.ts";
export { expireScenarios } from "./suspension.ts";
export { getScenario, listScenarios, type ScenarioFilter } from "./scenario-view.ts";
export { type FilingFilter, listFilings } from "./filing-view.ts";
export { listOrganisations } from "./organisation-view.ts";
export { type SpaceRules, validateSpace } from "./validate-space.ts";
export {
  applySpace,
  type ProductDeclarations,
  type SpaceApplication,
  type SpaceAuthority,
  type WebhookDeclaration,
} from "./apply-space.ts";
