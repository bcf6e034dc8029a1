import { printable } from "./printable.ts";
import { padEnd } from "./width.ts";

/** One thing that was looked at. `fail` stops a server from starting; `warn` is a shortcut or a weaker protection. */
export interface DoctorCheck {
  name: string;
  state: "ok" | "warn" | "fail";
  detail: string;
}

const MARK: Readonly<Record<DoctorCheck["state"], string>> = { ok: "✓", warn: "!", fail: "✗" };

export function formatDoctor(checks: readonly DoctorCheck[]): string {
  const width = Math.max(0, ...checks.map(({ name }) => name.length));
  return checks
    .map(({ state, name, detail }) => `${MARK[state]} ${padEnd(printable(name), width)}  ${printable(detail)}`.trimEnd())
    .join("\n");
}
