import { CliError } from "../cli-error.ts";
import type { CommandBody } from "../terminal.ts";

/** A runner of its own machine comes with a later version; `sluice serve` starts the local one. */
export const runnerCommand: CommandBody<object> = async () => {
  throw new CliError("not_supported", "Runner nodes are not available in this version; sluice serve runs a local one");
};
