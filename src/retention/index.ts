/**
 * Retention: what ends by age and what is then removed. Requests that nobody decided on and releases whose time is over
 * end; bytes as computed are given up so many days after their job; objects that nothing needs go. Each step is a
 * transaction with its audit entry, and objects go only when no row names them any more.
 *
 * It must never touch the audit log, nor remove bytes that a release still serves.
 */
export { type EgressTerms, expireEgress } from "./expire-egress.ts";
export { discardOutputs, removeUnneeded } from "./outputs.ts";
