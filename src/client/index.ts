/**
 * The client of the HTTP interface (`/v1`): typed calls, errors with their codes, bounded repetition, pages and
 * event streams. It must know nothing but the contract: no file, no environment, no process, no server code. It
 * imports only types of `#contract`, because the schemas take 200 ms to load and a command line has not got them.
 */
export { ACCEPT, type ContentOptions, type ReleaseCalls } from "./calls/egress.ts";
export { SCENARIO_STEPS, type ScenarioStep, type StepBody } from "./calls/catalogue.ts";
export { isSettled, type WaitOptions } from "./calls/jobs.ts";
export type { SecurityEventFilter } from "./calls/security.ts";
export { ClientError } from "./client-error.ts";
export { createClient, type Client } from "./client.ts";
export { readEventStream, type ServerEvent } from "./event-stream.ts";
export { eachItem, type PageOf, type PageOptions } from "./pages.ts";
export { pause } from "./pause.ts";
export type { CallOptions, TransportOptions } from "./transport.ts";
