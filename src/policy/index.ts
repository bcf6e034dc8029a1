/**
 * Policy: loads and validates the bundle under `policies/` (Cedar policies, reason texts, profiles) and decides
 * on facts. It must never read the database, the clock or a result; a decision is a function of its arguments.
 */
export {
  decideEgress,
  type EgressAuthority,
  type EgressDecision,
  type EgressQuestion,
  type PolicyReason,
} from "./decide.ts";
export { loadPolicyBundle, type PolicyBundle, type PolicyInfo } from "./load.ts";
