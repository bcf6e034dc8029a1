/**
 * Jobs: from submission over the lease of a runner to the end, each step one transaction with its audit entry.
 * It must never run anything itself, nor judge or show a result.
 */
export { cancelJob, type CancelledJobs, cancelJobsOf } from "./cancel.ts";
export { finishJob, initialVerdict, type JobEnd, type StoredOutput } from "./finish.ts";
export { failJob, findLeasedJob, heartbeatJob, requeueLostJobs, startJob } from "./lease.ts";
export { getJob, jobLog, jobOutputs, listJobs, viewJob } from "./read.ts";
export { submitJob } from "./submit.ts";
