import { formatProblem, isPassed, type PolicyTestReport, testPolicies } from "#policy/index.ts";
import { policyDirectory } from "../policy-directory.ts";
import type { CommandBody } from "../terminal.ts";

export const testPolicyCases: CommandBody<object> = async ({ terminal, args: [directory] }) => {
  const report = testPolicies(policyDirectory(terminal, directory));
  const ok = isPassed(report);
  return {
    status: ok ? 0 : 1,
    json: () => ({ ok, ...report }),
    text: () => (ok ? `${report.cases} cases hold, each policy is noticed\n${report.digest}` : formatReport(report)),
    ...(ok ? {} : { notes: "sluice: policy_test_failed: the policies do not answer as their cases say" }),
  };
};

function formatReport({ problems, failures, undecided, unnoticed, uncovered }: PolicyTestReport): string {
  return [
    ...problems.map(formatProblem),
    ...failures.map(
      ({ file, line, name, expected, got }) =>
        `${file}:${line}: ${name}: expected ${answer(expected)}, got ${answer(got)} from ${got.policies.join(", ") || "no policy"}`,
    ),
    ...undecided.map((id) => `policy ${id}: no case is decided by it`),
    ...unnoticed.map((id) => `policy ${id}: without it every case still holds`),
    ...uncovered.map((pair) => `rule ${pair}: no case has it`),
  ].join("\n");
}

function answer({ verdict, reasons }: { verdict: string; reasons: readonly string[] }): string {
  return `${verdict} (${reasons.join(", ")})`;
}
