/**
 * The DuckDB extension that scans mapped Arrow files and bounds what is known of the subjects of cells (`*.c`), and how it
 * is built. Owns the reading of the cache's files and every bounds check on them, and the states of the aggregates. `build.ts` and `fuzz.ts` are programs of the Makefile, no part of the engine.
 *
 * Must never open a file after `sluice_arrow_seal()`, write to a file, or follow an offset that was not checked.
 */
export { ARROW_EXTENSION_PATH } from "./extension-path.ts";
export { probeArrowExtension } from "./probe.ts";
