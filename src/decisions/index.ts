/**
 * Decisions: the policy bundles that ever decided, in their own text, and the record of what they were asked and said,
 * so that a decision can be explained years later. It must never decide anything, and never change a kept text.
 */
export { adoptPolicies, getPolicyBundle, listPolicyBundles } from "./bundles.ts";
export { policyRecord } from "./record.ts";
