/**
 * Scheduling: who may submit how much (queue limits, quotas), whose turn it is, which runner takes it, and what has been
 * used. The choice itself is a pure function (`choose-jobs.ts`); claims are rows that others skip.
 *
 * It must never end a job, and never let a developer's wish go before the terms of the agreement.
 */
export { type Claim, claimJobs, type ClaimOptions } from "./claim.ts";
export { queueCounts, type QueueCounts, type QueueLimits, queueRefusal } from "./queue-limits.ts";
export { requireQuota, requireReleaseQuota } from "./quota.ts";
export { listRunners, seeRunner, setRunnerState, takesWork } from "./runners.ts";
export { noteUse } from "./use.ts";
