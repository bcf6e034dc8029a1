/**
 * The isolate process: runs a developer's JavaScript, one script at a time, each in a fresh V8 isolate, and speaks
 * frames with the supervisor outside. It owns the guest's world (bootstrap/) and nothing else.
 *
 * It must never hold data but the query results that the supervisor hands it, never open a file, a socket or a module
 * after it has said `ready`, never touch an object of the script's outside the isolate, and never be trusted: the
 * wall clock, the label, the record of queries and every limit that matters are the supervisor's.
 */
export { loadBootstrap } from "./bootstrap.ts";
export { loadLibraries } from "./libraries.ts";
export { serveIsolate, type IsolatePipes } from "./serve.ts";
