import { readFileSync } from "node:fs";
import t from "tap";
import { checkPolicyDirectory, loadPolicyBundle, type PolicyProblem } from "#policy/index.ts";
import { copyPolicies, type PolicyCopy } from "./directory.ts";

const problemsOf = (copy: PolicyCopy): PolicyProblem[] => checkPolicyDirectory(copy.directory).problems;
const places = (problems: readonly PolicyProblem[]): string[] =>
  problems.map(({ file, line, code }) => `${file}:${line ?? "-"} ${code}`);

t.test("the policies of the product are without a problem, and their digest names their texts", async (t) => {
  const { problems, bundle, digest } = checkPolicyDirectory("policies");
  t.same(problems, []);
  t.equal(bundle?.digest, digest);
  const copy = copyPolicies(t);
  t.equal(loadPolicyBundle(copy.directory).digest, digest, "wherever they lie");
  copy.replace("cases/egress.yaml", "cells: 10", "cells: 11");
  t.equal(loadPolicyBundle(copy.directory).digest, digest, "cases decide nothing");
  copy.replace("profiles/controlled.yaml", "value: 5000", "value: 4999");
  t.not(loadPolicyBundle(copy.directory).digest, digest);
});

const CONTROLLED = readFileSync("policies/profiles/controlled.yaml", "utf8");
const lineOf = (text: string): number => CONTROLLED.slice(0, CONTROLLED.indexOf(text)).split("\n").length;

t.test("all problems are told at once, with file and line", async (t) => {
  const copy = copyPolicies(t);
  copy.replace("egress.cedar", 'context.label == "safe" &&', 'context.labell == "safe" &&');
  copy.replace("egress.cedar", '@reason("scenario_not_live")', '@reason("because")');
  copy.replace("egress.cedar", '@basis("the filed opinion names the recipients")\n', "");
  copy.replace("egress.cedar", '@id("release.output_not_in_opinion")', '@id("release.scenario_not_live")');
  copy.replace("reasons.yaml", "en: A disclosure rule blocks the result", "en: ''");
  copy.replace("profiles/public.yaml", "value: 20", "value: 4");
  copy.replace("profiles/controlled.yaml", "reviewers:", "reviewer:");
  copy.replace("security.yaml", "count: { value: 5,", "count: { value: five,");
  copy.write("more.yaml", "a: 1\n");
  const problems = problemsOf(copy);
  t.same(
    places(problems).toSorted(),
    [
      "egress.cedar:16 policy_reason",
      "egress.cedar:28 policy_id",
      "egress.cedar:34 policy_basis",
      "egress.cedar:45 schema",
      "more.yaml:- file_unknown",
      "profiles/controlled.yaml:1 profile_form",
      `profiles/controlled.yaml:${lineOf("reviewers:")} profile_form`,
      "reasons.yaml:3 reason_text",
      "security.yaml:7 threshold_form",
    ].toSorted(),
    problems.map(({ message }) => message).join("\n"),
  );
  t.throws(() => loadPolicyBundle(copy.directory), { code: "configuration_invalid", message: /more\.yaml/ });
});

t.test("a file that does not parse is told with the place where it stops to", async (t) => {
  for (const [name, text, place] of [
    [
      "egress.cedar",
      "permit (principal, action, resource);\n\npermit (principal, action resource);\n",
      "egress.cedar:3 syntax",
    ],
    [
      "egress.cedarschema",
      "entity A;\naction release appliesTo { principal: [A] resource: [A] };\n",
      "egress.cedarschema:2 syntax",
    ],
    ["reasons.yaml", "judged: { zh: 已, en: The }\n  bad: [\n", "reasons.yaml:2 syntax"],
    ["profiles/public.yaml", "id: public\nid: public\n", "profiles/public.yaml:2 syntax"],
  ] as const) {
    const copy = copyPolicies(t);
    copy.write(name, text);
    t.ok(places(problemsOf(copy)).includes(place), `${place} in ${places(problemsOf(copy)).join(", ")}`);
  }
});

t.test("what is missing is told: files, profiles, texts of the program's own reasons", async (t) => {
  for (const [name, code] of [
    ["egress.cedar", "file_missing"],
    ["egress.cedarschema", "file_missing"],
    ["reasons.yaml", "file_missing"],
    ["security.yaml", "file_missing"],
    ["profiles/enterprise.yaml", "profile_missing"],
  ] as const) {
    const copy = copyPolicies(t);
    copy.remove(name);
    t.match(
      problemsOf(copy).find(({ file }) => file === name),
      { code },
      name,
    );
  }
  const copy = copyPolicies(t);
  copy.replace("reasons.yaml", /policy_failed:.*\n/, "");
  t.match(problemsOf(copy), [{ code: "reason_text", message: /policy_failed/ }]);
  t.throws(() => checkPolicyDirectory("/nonexistent"), { code: "configuration_invalid" });
});

t.test("numbers of a profile lie in their ranges, have a basis, and stand in order", async (t) => {
  const wrong: [string, string | RegExp, string, string][] = [
    ["controlled", "minSubjects: { value: 10", "minSubjects: { value: 2", "profile_range"],
    ["controlled", "minSubjects: { value: 10", "minSubjects: { value: 10.5", "profile_range"],
    ["controlled", "pPercent: { value: 10", "pPercent: { value: 0", "profile_range"],
    ["controlled", "dominanceTwo: { value: 0.9", "dominanceTwo: { value: 1.9", "profile_range"],
    ["controlled", "dominanceTwo: { value: 0.9", "dominanceTwo: { value: .nan", "profile_form"],
    ["controlled", "reviewers: { value: 1", "reviewers: { value: 0", "profile_range"],
    ["public", "counts: { value: 5", "counts: { value: 1", "profile_range"],
    ["public", "meanDigits: { value: 3", "meanDigits: { value: 4", "profile_range"],
    ["public", /(reviewers: { value: 2, basis: )"[^"]*"/, '$1" "', "profile_form"],
    ["public", /reviewers:.*\n/, "", "profile_form"],
    ["public", "zh: 公开", 'zh: " "', "profile_form"],
    ["public", "id: public", "id: open", "profile_form"],
    ["public", "title:", "comment: x\ntitle:", "profile_form"],
    ["public", "minSubjects: { value: 20", "minSubjects: { value: 9", "profile_order"],
    ["controlled", "minSubjects: { value: 10", "minSubjects: { value: 4", "profile_order"],
    ["controlled", "dominanceOneReview: { value: 0.5", "dominanceOneReview: { value: 0.7", "profile_order"],
    ["enterprise", "pPercent: { value: 15", "pPercent: { value: 10", "profile_order"],
  ];
  for (const [profile, from, to, code] of wrong) {
    const copy = copyPolicies(t);
    copy.replace(`profiles/${profile}.yaml`, from, to);
    const problems = problemsOf(copy);
    t.match(problems[0], { code, file: `profiles/${profile}.yaml` }, `${profile}: ${to}`);
  }
});

t.test("policies that would release what must not be released stop the process", async (t) => {
  const wrong: [string, string | RegExp, string, RegExp][] = [
    [
      "a block that approvals override",
      "unless { context.blockedBy.isEmpty() }",
      "unless { context.blockedBy.isEmpty() || context.approvals > 2 }",
      /R1 blocks/,
    ],
    [
      "a block of one rule only",
      "unless { context.blockedBy.isEmpty() }",
      'when { context.blockedBy.contains("R19") }',
      /R3 blocks/,
    ],
    ["rows without a person", 'context.label == "safe" &&\n', "", /rows that no person approved/],
    ["reviews that nobody makes", "context.reviewBy.isEmpty()", "true", /R20 sends to a person/],
    ["one reviewer of two", "context.approvals >= context.reviewersRequired && ", "", /too few people/],
    [
      "no opinion",
      "unless { context.opinionEffective }",
      "when { !context.opinionEffective && context.approvals > 100 }",
      /without an effective opinion/,
    ],
    [
      "any recipient",
      "unless { context.recipientsInOpinion }",
      "when { !context.recipientsInOpinion && context.approvals > 100 }",
      /a recipient/,
    ],
  ];
  for (const [what, from, to, message] of wrong) {
    const copy = copyPolicies(t);
    copy.replace("egress.cedar", from, to);
    const problems = problemsOf(copy);
    t.ok(
      problems.some((problem) => problem.code === "decision_unsafe" && message.test(problem.message)),
      `${what}: ${problems.map((problem) => problem.message).join("; ")}`,
    );
  }
});

t.test("a policy cannot ask for a fact that nobody tells it", async (t) => {
  const copy = copyPolicies(t);
  copy.replace("egress.cedarschema", "approvals: Long,", "approvals: Long,\n  weather: String,");
  t.match(problemsOf(copy), [{ file: "egress.cedarschema", code: "schema", message: /weather/ }]);
});
