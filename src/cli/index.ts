/**
 * The command line: declarations of the commands, their bodies (each loaded only when it runs), and the printing of
 * results, findings and tables. It must never read argv, the environment or signals itself: all of that comes in as
 * a `Terminal` from `bin/sluice.ts`. Bodies return an `Outcome`; only `runCli` writes to stdout.
 */
export type { ExitStatus } from "./cli-error.ts";
export { formatFindings } from "./print/finding.ts";
export { formatReleasedTable } from "./print/release.ts";
export { formatTable } from "./print/table.ts";
export { runCli } from "./run-cli.ts";
export type { Host, Terminal } from "./terminal.ts";
