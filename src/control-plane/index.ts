/**
 * Control plane: Fastify and nothing else. Routes check the form and the role, call a noun's functions inside one
 * audited transaction, and answer. It must never parse a result, nor start a process.
 */
export { buildApp, buildRunnerApp } from "./app.ts";
export { buildNodeApp, type NodeAppOptions } from "./node-app.ts";
export { createReplicaSignal, type ReplicaSignal } from "./replica-signal.ts";
export { joinReplicas } from "./replicas.ts";
export { createKnownRunners } from "./known-runners.ts";
export { createRefusalLog } from "./refusal-log.ts";
export { createJobSignal, type JobSignal } from "./job-signal.ts";
export { createMetrics } from "./metrics.ts";
export { startChores } from "./chores.ts";
export { releaseLeases } from "./lost-runner.ts";
export type { Deployment } from "./deployment.ts";
