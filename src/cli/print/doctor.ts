import type { DoctorCheck } from "#contract/doctor.ts";
import { printable } from "./printable.ts";
import { padEnd } from "./width.ts";

const MARK: Readonly<Record<DoctorCheck["state"], string>> = { ok: "✓", warn: "!", fail: "✗" };

export function formatDoctor(checks: readonly DoctorCheck[]): string {
  const width = Math.max(0, ...checks.map(({ name }) => name.length));
  return checks
    .map(({ state, name, detail }) =>
      `${MARK[state]} ${padEnd(printable(name), width)}  ${printable(detail)}`.trimEnd(),
    )
    .join("\n");
}
