import { resolve } from "node:path";
import { pathOfArgument } from "./input.ts";
import type { Terminal } from "./terminal.ts";

const OWN = resolve(import.meta.dirname, "../../policies");

/** The policy directory, found as `sluice serve` finds it. */
export function policyDirectory(terminal: Terminal, option: string | undefined): string {
  const chosen = option ?? terminal.env["SLUICE_POLICIES"];
  return chosen ? pathOfArgument(terminal, chosen) : OWN;
}
