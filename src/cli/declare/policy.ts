import type { Command } from "commander";
import { languageOption } from "../language.ts";
import type { Bind } from "../program.ts";

export function declarePolicyCommands(program: Command, bind: Bind): void {
  const policy = program.command("policy").description("check, test and explain the policies; no server is needed");
  const check = policy
    .command("check [directory]")
    .description("everything that is wrong with a policy directory (SLUICE_POLICIES), or its digest");
  bind(check, async () => (await import("../commands/policy-check.ts")).checkPolicies);
  const test = policy
    .command("test [directory]")
    .description("run the cases beside the policies; each policy and each effect of a rule must have one that notices");
  bind(test, async () => (await import("../commands/policy-test.ts")).testPolicyCases);
  const explain = policy
    .command("explain [file]")
    .description("which policies decide, and why: of a file with facts and authority, or of an egress request")
    .option("--request <request>", "an egress request of a server, explained by the policies that decided it")
    .option("--policies <directory>", "policy directory to explain a file by (SLUICE_POLICIES)")
    .addOption(languageOption());
  bind(explain, async () => (await import("../commands/policy-explain.ts")).explainDecision);
  const list = policy.command("list").description("the bundles by which a server decided, the newest first");
  bind(list, async () => (await import("../commands/policy-list.ts")).listBundles);
}
