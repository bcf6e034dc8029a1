import { pathOfArgument } from "./input.ts";
import type { Terminal } from "./terminal.ts";

/** The data directory of a local server, found as `sluice serve` finds it. */
export function dataDirectory(terminal: Terminal, option: string | undefined): string {
  return pathOfArgument(terminal, option ?? (terminal.env["SLUICE_DATA"] || ".sluice"));
}
