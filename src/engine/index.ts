/**
 * The confined SQL engine: one scenario's products in two DuckDB instances, a planning one without data and the one
 * with it. Owns judging, running and encoding a statement, and making and rendering tables.
 *
 * Must never execute a developer's text before the gate allowed it, never let engine text of the data instance out,
 * and never serve two scenarios.
 */
export { serveEngine, type EnginePipes } from "./serve.ts";
export { EngineSession, QueryRefused } from "./session.ts";
export type { Answered } from "./answer.ts";
export { type Mount } from "./instance.ts";
