/**
 * Runner: takes leases, runs them in confined processes under a wall clock, records every statement, moves the
 * label, and reports. It must never open the database, hold a signing key, or believe what an isolate says.
 */
export { type AgentOptions, runAgent } from "./agent.ts";
export { type Confinement, isConfinement, pidNamespace } from "./confinement/index.ts";
export { createControlPlaneClient, createPool } from "./control-plane-client.ts";
export { Credential, openCredential } from "./credential.ts";
export { enrolOnce } from "./enrol.ts";
export { ProductCache } from "./product-cache.ts";
export { detectConfinement, type Detection } from "./detect-confinement.ts";
export { loadImages } from "./images.ts";
export { preparePrograms } from "./program.ts";
export { createRunnerProcesses, type ProcessOptions } from "./processes.ts";
