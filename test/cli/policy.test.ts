import t from "tap";
import { copyPolicies } from "../policy/directory.ts";
import { run } from "./terminal-double.ts";

interface CheckJson {
  ok: boolean;
  digest: string;
  problems: { file: string; line?: number; code: string }[];
}

t.test("policy check prints the digest, or every problem and status 1", async (t) => {
  const good = await run(["policy", "check"]);
  t.match(good, { status: 0, stdout: /8 policies, 4 profiles.*\nsha256:[0-9a-f]{64}\n$/ });
  const copy = copyPolicies(t);
  copy.replace("egress.cedar", "context.scenarioLive", "context.scenarioAlive");
  copy.remove("security.yaml");
  const bad = await run(["policy", "check", copy.directory]);
  t.equal(bad.status, 1);
  t.match(bad.stdout, /^egress\.cedar:8: .*scenarioAlive/m);
  t.match(bad.stdout, /^security\.yaml: the file is missing$/m);
  t.match(bad.stderr, "sluice: policies_invalid: ");
  const json = JSON.parse((await run(["policy", "check", copy.directory, "--json"])).stdout) as CheckJson;
  t.match(json, { ok: false, problems: [{ file: "security.yaml", code: "file_missing" }] });
  const chosen = await run(["policy", "check", "--json"], { env: { SLUICE_POLICIES: copy.directory } });
  t.equal(chosen.status, 1, "the directory of the environment");
  t.match(await run(["policy", "check", "/nonexistent"]), { status: 1, stderr: /configuration_invalid/ });
});

t.test("policy test says what does not hold", async (t) => {
  t.match(await run(["policy", "test"]), { status: 0, stdout: /^5\d cases hold/ });
  const copy = copyPolicies(t);
  copy.replace("cases/egress.yaml", "reasons: [scenario_not_live]", "reasons: [judged]");
  const { status, stdout } = await run(["policy", "test", copy.directory]);
  t.equal(status, 1);
  t.match(stdout, /^cases\/egress\.yaml:\d+: nothing leaves a scenario .*got block \(scenario_not_live\)/m);
  const json = JSON.parse((await run(["policy", "test", copy.directory, "--json"])).stdout) as { ok: boolean };
  t.equal(json.ok, false);
});

const QUESTION = `
facts: { label: safe, cells: 4, suppressedCells: 1, blockedBy: [R19], reviewBy: [], suppressedBy: [R1], maxGrade: L3, products: [residents] }
authority: { scenario: s, scenarioLive: true, opinionEffective: false, opinionAutoRelease: true, productTypeInOpinion: true, recipientsInOpinion: true, approvals: 0, reviewersRequired: 1 }
profile: controlled
`;

t.test("policy explain names the policies that decide, why, and the numbers with their basis", async (t) => {
  const english = await run(["policy", "explain", "-", "--lang", "en"], { stdin: QUESTION });
  t.equal(english.status, 0, english.stderr);
  t.match(english.stdout, /^verdict: block$/m);
  t.match(english.stdout, "A disclosure rule blocks the result [blocked_by_rule, release.blocked_by_rule]");
  t.match(english.stdout, "basis: 统计法实施条例 art. 29");
  t.match(english.stdout, /release: forbid release\.opinion_not_effective \(egress\.cedar:\d+\)/);
  t.match(english.stdout, /R19 block: Predicate split test/);
  t.match(english.stdout, /minSubjects +10 +GB\/T 42460-2023/);
  const chinese = await run(["policy", "explain", "-"], { stdin: QUESTION, env: { LANG: "zh_CN.UTF-8" } });
  t.match(chinese.stdout, /^结论: block$/m);
  t.match(chinese.stdout, "没有已备案且有效的预审查意见");
  const json = await run(["policy", "explain", "-", "--json"], { stdin: QUESTION });
  t.match(JSON.parse(json.stdout), {
    verdict: "block",
    reasons: [{ code: "blocked_by_rule", message: { zh: /出域/, en: /blocks/ } }, { code: "opinion_not_effective" }],
    profile: { id: "controlled" },
  });
});

t.test("policy explain refuses what it cannot read", async (t) => {
  const wrong = await run(["policy", "explain", "-"], { stdin: "facts: {}\n" });
  t.match(wrong, { status: 1, stderr: /configuration_invalid: policies:\n- -:1: / });
  const profile = await run(["policy", "explain", "-"], { stdin: QUESTION.replace("controlled", "none") });
  t.match(profile, { status: 1, stderr: /profile_unknown/ });
  for (const args of [[], ["f", "--request", "egr_1"], ["--request", "egr_1", "--policies", "d"]]) {
    t.equal((await run(["policy", "explain", ...args])).status, 2, args.join(" "));
  }
});
