import t from "tap";
import { isPassed, testPolicies } from "#policy/index.ts";
import { copyPolicies } from "./directory.ts";

t.test("the product's policies pass their own cases", async (t) => {
  const report = testPolicies("policies");
  t.ok(isPassed(report), JSON.stringify(report, undefined, 1));
  t.ok(report.cases >= 50);
});

t.test("removing any one policy makes a case fail, or stops the load", async (t) => {
  const ids = ["blocked_by_rule", "scenario_not_live", "opinion_not_effective", "output_not_in_opinion"];
  for (const id of [...ids, "recipient_not_in_opinion"]) {
    const copy = copyPolicies(t);
    copy.replace("egress.cedar", new RegExp(`@id\\("release\\.${id}"\\)[^]*?\n\n`), "");
    const report = testPolicies(copy.directory);
    t.notOk(isPassed(report), id);
  }
  const copy = copyPolicies(t);
  copy.replace("egress.cedar", /@id\("auto_release\.approved_by_reviewers"\)[^]*/, "");
  const { failures } = testPolicies(copy.directory);
  t.match(failures[0], {
    name: "rows that were approved leave",
    got: { verdict: "review" },
    file: "cases/egress.yaml",
  });
  t.ok((failures[0]?.line ?? 0) > 20);
});

t.test("a policy that no case notices, or none is decided by, is named", async (t) => {
  const copy = copyPolicies(t);
  copy.write(
    "more.cedar",
    '@id("more.never") @reason("judged") @basis("test") forbid (principal, action, resource) when { context.approvals > 1000 };\n',
  );
  const { undecided, unnoticed, failures } = testPolicies(copy.directory);
  t.same([failures, undecided, unnoticed], [[], ["more.never"], ["more.never"]]);
});

t.test("an effect of a rule without a case is named", async (t) => {
  const copy = copyPolicies(t);
  copy.replace("cases/egress.yaml", "[R3, R7, R12, R17, R18, R19,", "[R3, R7, R12, R17, R18,");
  copy.replace("cases/egress.yaml", "facts: { blockedBy: [R19] }", "facts: { blockedBy: [R28] }");
  const report = testPolicies(copy.directory);
  t.same(report.uncovered, ["R19 blockedBy"]);
  t.notOk(isPassed(report));
});

t.test("a case that is wrong, twice there or about no rule fails with its line", async (t) => {
  for (const [from, to, message] of [
    ["label: row_level }", "label: rows }", /label/],
    ["name: rows go to a person", "name: no approval overrides a block", /two cases/],
    ["reviewBy: [R6, R20]", "reviewBy: [R6, R99]", /R99/],
    ["verdict: review", "verdict: maybe", /verdict/],
    ["cases:", "cases: []\nmore:", /cases/],
  ] as const) {
    const copy = copyPolicies(t);
    copy.replace("cases/egress.yaml", from, to);
    const { problems } = testPolicies(copy.directory);
    t.ok(
      problems.some((one) => one.code === "case_form" && message.test(one.message) && one.line !== undefined),
      to,
    );
  }
  const copy = copyPolicies(t);
  copy.remove("cases/egress.yaml");
  t.match(testPolicies(copy.directory).problems, [{ code: "file_missing" }]);
});
