import t from "tap";
import type { AuditEntry } from "#contract/audit.ts";
import { run } from "../cli/terminal-double.ts";
import { copyPolicies } from "../policy/directory.ts";
import { startTestServer } from "./server.ts";

const policies = copyPolicies(t);
const server = await startTestServer(t, { env: { SLUICE_POLICIES: policies.directory } });
// a restart takes another port
const developer = async () => server.client("acme", "developer");
const audit = async () => server.client("op", "audit");
const reviewer = async () => server.client("op", "reviewer");
const wait = { waitSeconds: 60 };

interface Explained {
  decisions: { on: string; bundle: string; verdict: string; reproduced: boolean; explanation: { verdict: string } }[];
}

async function explain(request: string): Promise<Explained> {
  const env = { SLUICE_URL: server.url, SLUICE_TOKEN: await server.token("op", "audit") };
  const { status, stdout, stderr } = await run(["policy", "explain", "--request", request, "--json"], { env });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Explained;
}

async function adoptions(): Promise<AuditEntry[]> {
  const entries: AuditEntry[] = [];
  for await (const entry of (await audit()).audit.entries())
    if (entry.action === "policies.adopted") entries.push(entry);
  return entries;
}

let rowRequest = "";

t.test("a start keeps the text of its policies, and says so in the audit log", async (t) => {
  const [bundle, ...more] = await (await audit()).policies.list();
  t.same(more, []);
  t.match(bundle, { current: true, adoptedBy: "system:serve" });
  const { files } = await (await audit()).policies.get(bundle!.digest);
  t.match(files["egress.cedar"], /release\.blocked_by_rule/);
  t.match(await adoptions(), [{ subject: { id: bundle!.digest }, detail: { previous: null, isNew: true } }]);
  await server.restart();
  t.equal((await adoptions()).length, 1, "the same policies again are nothing new");
});

t.test("a decision is explained from the kept text, by the policies that held", async (t) => {
  const job = await (
    await developer()
  ).jobs.submit(
    { scenario: "clinic-access", image: "sql@1", sql: "select district, count(*) as n from people group by district" },
    wait,
  );
  t.equal(job.egress.verdict, "release");
  t.match(await explain(job.egress.requestId!), {
    decisions: [{ on: "opened", verdict: "release", reproduced: true, explanation: { verdict: "release" } }],
  });
});

t.test("approvals are decisions of their own, also after the policies have changed", async (t) => {
  const sql = "select district, income from people";
  const job = await (await developer()).jobs.submit({ scenario: "row-study", image: "sql@1", sql }, wait);
  t.equal(job.egress.verdict, "review");
  rowRequest = job.egress.requestId!;
  const before = (await (await audit()).policies.list())[0]!.digest;
  policies.replace("egress.cedar", "the operator's pre-review duty", "the operator's duty");
  await server.restart();
  const [now, old] = await (await audit()).policies.list();
  t.not(now!.digest, before);
  t.match([now, old], [{ current: true }, { current: false, digest: before }]);
  t.match((await adoptions()).at(-1), { detail: { previous: before, isNew: true } });
  await (await reviewer()).egress.review(rowRequest, { decision: "approve", comment: "looked at" });
  const { decisions } = await explain(rowRequest);
  t.match(decisions, [
    { on: "opened", verdict: "review", bundle: before, reproduced: true },
    { on: /^rev_/, verdict: "release", bundle: now!.digest, reproduced: true },
  ]);
});

t.test("going back to earlier policies is told, and their text is not written again", async (t) => {
  policies.replace("egress.cedar", "the operator's duty", "the operator's pre-review duty");
  const before = await (await audit()).policies.list();
  await server.restart();
  const after = await (await audit()).policies.list();
  t.equal(after.length, 2);
  t.equal(after[0]!.digest, before[1]!.digest);
  t.equal(after[0]!.firstUsedAt, before[1]!.firstUsedAt);
  t.match((await adoptions()).at(-1), { detail: { previous: before[0]!.digest, isNew: false } });
  t.match((await explain(rowRequest)).decisions, [{ reproduced: true }, { reproduced: true }]);
});

t.test("bundles and decisions are not for developers, and facts are not for the applicant's side", async (t) => {
  await t.rejects((await developer()).policies.list(), { code: "forbidden" });
  await t.rejects((await developer()).policies.record(rowRequest), { code: "forbidden" });
  await t.rejects((await server.client("op", "operator")).policies.record(rowRequest), { code: "forbidden" });
  t.ok((await (await server.client("bureau", "implementing_body")).policies.list()).length > 0);
  await t.rejects((await audit()).policies.record(`egr_${"0".repeat(26)}`), { code: "not_found" });
  await t.rejects((await audit()).policies.get(`sha256:${"0".repeat(64)}`), { code: "not_found" });
  await t.rejects((await audit()).policies.get("latest"), { code: "invalid_request" });
});
