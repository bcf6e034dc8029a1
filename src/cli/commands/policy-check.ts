import { checkPolicyDirectory, formatProblem, type PolicyBundle } from "#policy/index.ts";
import { policyDirectory } from "../policy-directory.ts";
import type { CommandBody } from "../terminal.ts";

export const checkPolicies: CommandBody<object> = async ({ terminal, args: [directory] }) => {
  const { digest, problems, bundle } = checkPolicyDirectory(policyDirectory(terminal, directory));
  if (!bundle) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    return {
      status: 1,
      json: () => ({ ok: false, digest, problems }),
      text: () => problems.map(formatProblem).join("\n"),
      notes: `sluice: policies_invalid: ${count}`,
    };
  }
  return {
    status: 0,
    json: () => ({ ok: true, ...summaryOf(bundle), problems }),
    text: () => `${sizesOf(bundle)}\n${digest}`,
  };
};

function summaryOf({ digest, policies, profiles, reasons }: PolicyBundle) {
  return {
    digest,
    policies: [...policies.values()].map(({ text: _text, ...policy }) => policy),
    profiles: [...profiles.keys()],
    reasons: Object.fromEntries(reasons),
  };
}

function sizesOf({ policies, profiles, reasons }: PolicyBundle): string {
  return `${policies.size} policies, ${profiles.size} profiles, ${reasons.size} reasons`;
}
