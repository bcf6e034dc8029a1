/**
 * Egress: requests, the policies' verdict on facts, people's reviews, releases and their revocation. It must never
 * parse a result, and nothing becomes readable here before its audit entry is durable.
 */
export { type Completion, completeJob, storeOutputs } from "./complete.ts";
export { type EgressApplication, openEgress } from "./open.ts";
export {
  type JobOutcome,
  getJobWithOutcome,
  readOutcomes,
  getEgressRequest,
  getRelease,
  listEgressRequests,
  listReleases,
  releaseOutputs,
  viewEgressRequest,
  viewRelease,
} from "./read.ts";
export { revokeRelease } from "./release.ts";
export { createRenderQueue, type RenderQueue } from "./render-queue.ts";
export { reviewRequest } from "./review.ts";
