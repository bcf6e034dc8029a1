/**
 * Chores: what is done without a caller. One table, one row a chore, claimed like jobs are (`FOR UPDATE SKIP LOCKED`, a
 * lease that is renewed while it runs): with several processes on one database each chore runs in one of them at a
 * time, and one that failed or whose process died comes again by itself.
 *
 * It must never know what a chore does.
 */
export { claimChores, ensureChores, finishChore, renewChore } from "./claim.ts";
export { listChores } from "./read.ts";
export { backoffMs } from "./backoff.ts";
export { type Chore, type ChoreRun, runChores } from "./run.ts";
export { createSteadiness, type Steadiness } from "./steadiness.ts";
