/**
 * Configuration: environment and flags → one checked value, read once at start. `readConfig` is pure.
 *
 * It must never fall back to an unsafe value in silence: what is missing or unsafe stops the process, and each
 * shortcut of development mode is listed in `Config.warnings`.
 */
export type { Config, Confinement, JobClassLimits, OidcConfig, ServeFlags } from "./config.ts";
export { type NodeConfig, type NodeFlags, readNodeConfig } from "./node-config.ts";
export { readConfig } from "./read-config.ts";
export { describeConfig } from "./describe-config.ts";
