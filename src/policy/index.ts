/**
 * Policy: loads and validates the bundle under `policies/` (Cedar policies, reason texts, profiles), decides on facts,
 * explains and tests decisions. It must never read the database, the clock or a result; a decision is a function of
 * its arguments.
 */
export { decideEgress, type EgressDecision, type EgressQuestion } from "./decide.ts";
export { explainEgress, type Explanation, parseExplainable } from "./explain.ts";
export { digestOf } from "./files.ts";
export { checkPolicyDirectory, loadPolicyBundle, openStoredBundle, type PolicyBundle } from "./load.ts";
export { formatProblem, type PolicyProblem } from "./problem.ts";
export { isPassed, type PolicyTestReport, testPolicies } from "./test-policies.ts";
