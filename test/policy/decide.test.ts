import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import t from "tap";
import type { EgressFacts } from "#contract/egress.ts";
import type { EgressAuthority } from "#contract/policy.ts";
import { decideEgress, loadPolicyBundle } from "#policy/index.ts";

const bundle = loadPolicyBundle("policies");
const facts: EgressFacts = {
  label: "safe",
  cells: 10,
  suppressedCells: 0,
  blockedBy: [],
  reviewBy: [],
  suppressedBy: [],
  maxGrade: "L3",
  products: ["residents"],
};
const authority: EgressAuthority = {
  scenario: "clinic-access",
  scenarioLive: true,
  opinionEffective: true,
  opinionAutoRelease: true,
  productTypeInOpinion: true,
  recipientsInOpinion: true,
  providersConsent: true,
  approvals: 0,
  reviewersRequired: 1,
};
const judge = (f: Partial<EgressFacts>, a: Partial<EgressAuthority> = {}) =>
  decideEgress(bundle, { request: "egr_1", facts: { ...facts, ...f }, authority: { ...authority, ...a } });

t.test("a checked aggregate under an effective opinion is released", async (t) => {
  const decision = judge({});
  t.equal(decision.verdict, "release");
  t.match(decision.reasons, [{ policy: "auto_release.safe_aggregate", code: "safe_aggregate" }]);
  t.match(decision.reasons[0]?.message.zh, /自动/);
  t.equal(decision.bundle, bundle.digest);
});

t.test("suppression makes it a transformed release", async (t) => {
  t.equal(judge({ suppressedCells: 2, suppressedBy: ["R1"] }).verdict, "release_transformed");
});

t.test("what a rule sends to a person, or saw rows, goes to review", async (t) => {
  t.equal(judge({ reviewBy: ["R20"] }).verdict, "review");
  t.equal(judge({ label: "row_level" }).verdict, "review");
  t.equal(judge({}, { opinionAutoRelease: false }).verdict, "review");
  t.equal(judge({ label: "row_level" }, { approvals: 1 }).verdict, "release");
  t.equal(judge({ label: "row_level" }, { approvals: 1, reviewersRequired: 2 }).verdict, "review");
});

t.test("nothing overrides a block, not even approvals", async (t) => {
  for (const approvals of [0, 1, 5]) {
    t.equal(judge({ blockedBy: ["R19"] }, { approvals }).verdict, "block");
    t.equal(judge({}, { approvals, scenarioLive: false }).verdict, "block");
    t.equal(judge({}, { approvals, opinionEffective: false }).verdict, "block");
    t.equal(judge({}, { approvals, productTypeInOpinion: false }).verdict, "block");
    t.equal(judge({}, { approvals, recipientsInOpinion: false }).verdict, "block");
  }
});

t.test("adding a blocking or review rule never makes a result more releasable", async () => {
  const rank = { release: 0, release_transformed: 0, review: 1, block: 2 };
  const rules = fc.uniqueArray(fc.constantFrom("R1", "R3", "R6", "R19", "R20", "R28"));
  const flags = fc.record({
    scenarioLive: fc.boolean(),
    opinionEffective: fc.boolean(),
    opinionAutoRelease: fc.boolean(),
  });
  fc.assert(
    fc.property(rules, rules, rules, flags, (blockedBy, reviewBy, more, flag) => {
      const before = rank[judge({ blockedBy, reviewBy }, flag).verdict];
      const after = rank[judge({ blockedBy, reviewBy: [...new Set([...reviewBy, ...more])] }, flag).verdict];
      const blocked = rank[judge({ blockedBy: [...new Set([...blockedBy, ...more])], reviewBy }, flag).verdict];
      return after >= before && blocked >= before;
    }),
    { numRuns: 100 },
  );
});

t.test("a bundle that is not valid stops the process", async (t) => {
  const broken: [string, string, string][] = [
    ["egress.cedar", `permit (principal, action, resource) when { context.nonsense };`, "no id"],
    [
      "egress.cedar",
      `@id("a") @reason("judged") @basis("b") permit (principal, action, resource) when { context.nonsense };`,
      "schema",
    ],
    ["egress.cedar", `@id("a") @reason("not_listed") @basis("b") permit (principal, action, resource);`, "reason"],
    ["egress.cedar", `@id("a") @reason("judged") permit (principal, action, resource);`, "basis"],
    ["profiles/controlled.yaml", "id: controlled\n", "profile"],
    ["profiles/other.yaml", "id: controlled\n", "name"],
    ["security.yaml", "repeated_blocks: { count: { value: 5 } }\n", "a threshold without its basis"],
  ];
  for (const [name, text, what] of broken) {
    const directory = mkdtempSync(join(tmpdir(), "sluice-policy-"));
    cpSync("policies", directory, { recursive: true });
    writeFileSync(join(directory, name), text);
    t.throws(() => loadPolicyBundle(directory), { code: "configuration_invalid" }, what);
    rmSync(directory, { recursive: true });
  }
});

t.test("a policy may name one request, and only that one is refused, however often others are asked for", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "sluice-policy-"));
  t.teardown(() => rmSync(directory, { recursive: true }));
  cpSync("policies", directory, { recursive: true });
  const named = `
    @id("release.withdrawn")
    @reason("scenario_not_live")
    @basis("an order")
    forbid (principal, action, resource == EgressRequest // as the order says
      ::"egr_2");`;
  writeFileSync(join(directory, "withdrawn.cedar"), named);
  const other = loadPolicyBundle(directory);
  const verdicts = ["egr_1", "egr_2", "egr_1", "egr_2"].map(
    (request) => decideEgress(other, { request, facts, authority }).verdict,
  );
  t.strictSame(verdicts, ["release", "block", "release", "block"]);
});
