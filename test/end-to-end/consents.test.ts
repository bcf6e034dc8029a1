/** R29: data of several providers are linked with the consent of each, or go to a person. */
import t from "tap";
import type { AuditEntry } from "#contract/audit.ts";
import type { JobView } from "#contract/job.ts";
import { run } from "../cli/terminal-double.ts";
import { startTestServer } from "./server.ts";
import { writeSpace } from "./space.ts";

const server = await startTestServer(t);
const operator = await server.client("op", "operator");
const acme = await server.client("acme", "developer");
const space = writeSpace(`${server.directory}/sources`);
space.organisations.push({ id: "clinics", kind: "data_provider" }, { id: "others", kind: "data_provider" });
// the same visits, but of another provider than the people
for (const product of space.products!) if (product.id === "visits") product.provider = "clinics";
await operator.space.apply(space, { development: true });

const JOINED = "select p.district, count(*) as n from people p join visits v on p.id = v.person_id group by p.district";
const submit = async (sql: string): Promise<JobView> =>
  acme.jobs.submit({ scenario: "clinic-access", image: "sql@1", sql }, { waitSeconds: 60 });
const provider = async (organisation: string) => server.client(organisation, "provider");
const give = { decision: "give", comment: "同意书 2026-3" } as const;

t.test("without consent a join of two providers' data goes to a person, who may release it", async (t) => {
  t.match(await submit("select district, count(*) as n from people group by 1"), { egress: { verdict: "release" } });
  const job = await submit(JOINED);
  t.match(job, { egress: { verdict: "review" } });
  t.match(job.egress.findings, [
    { rule: "auto_release.providers_not_consenting", family: "authority", code: "providers_not_consenting" },
  ]);
  const reviewer = await server.client("op", "reviewer");
  const approved = await reviewer.egress.review(job.egress.requestId!, {
    decision: "approve",
    comment: "两家已书面同意",
  });
  t.match(approved, { state: "released" });
});

t.test("products without a provider are nobody's", async (t) => {
  const sql = "select k.kind, count(*) as n from visits v join clinics k on v.clinic = k.clinic group by 1";
  t.match(await submit(sql), { egress: { verdict: "release" } });
});

t.test("the consent of one is not the consent of both, and a script links too", async (t) => {
  t.match(await (await provider("clinics")).consents.decide("clinic-access", give), [
    { provider: "clinics", state: "given", comment: "同意书 2026-3" },
    { provider: "health", state: "missing" },
  ]);
  t.match(await submit(JOINED), { egress: { verdict: "review" } });
  const script = `
    const people = await sql\`select district, count(*) as n from people group by 1\`;
    const visits = await sql\`select clinic, count(*) as n from visits group by 1\`;
    output.json("both", [people.length, visits.length]);`;
  const job = await acme.jobs.submit({ scenario: "clinic-access", image: "javascript@1", script }, { waitSeconds: 60 });
  t.match(job, { egress: { verdict: "review" } });
});

t.test("with the consent of each it leaves by itself, and no longer when one withdraws", async (t) => {
  await (await provider("health")).consents.decide("clinic-access", give);
  t.match(await submit(JOINED), { egress: { verdict: "release" } });
  await (await provider("health")).consents.decide("clinic-access", { decision: "withdraw", comment: "到期" });
  t.match(await submit(JOINED), { egress: { verdict: "review" } });
  const entries: AuditEntry[] = [];
  for await (const entry of (await server.client("op", "audit")).audit.entries())
    if (entry.action.startsWith("consent.")) entries.push(entry);
  t.match(
    entries.map(({ action, detail, actor }) => [action, detail["provider"], actor.organisation]),
    [
      ["consent.given", "clinics", "clinics"],
      ["consent.given", "health", "health"],
      ["consent.withdrawn", "health", "health"],
    ],
  );
});

t.test("a consent covers the products and joins that it was given for", async (t) => {
  await (await provider("health")).consents.decide("clinic-access", give);
  const [scenario] = space.scenarios!;
  scenario!.products = ["people", "visits", "clinics"];
  scenario!.joins = scenario!.joins!.filter(({ right }) => right !== "bills.payer");
  await operator.space.apply(space, { development: true });
  t.match(await operator.consents.list("clinic-access"), [{ state: "outdated" }, { state: "outdated" }]);
  t.match(await submit(JOINED), { egress: { verdict: "review" } });
});

t.test("only who provides something to the scenario decides, and who may not see it sees no consents", async (t) => {
  await t.rejects((await provider("others")).consents.decide("clinic-access", give), { code: "not_found" });
  await t.rejects((await provider("others")).consents.list("clinic-access"), { code: "not_found" });
  await t.rejects(operator.consents.decide("clinic-access", give), { code: "forbidden" });
  await t.rejects(acme.consents.list("clinic-access"), { code: "forbidden" });
  await t.rejects((await provider("health")).consents.decide("nothing", give), { code: "not_found" });
});

t.test("the command line gives and lists consents", async (t) => {
  const env = { SLUICE_URL: server.url, SLUICE_TOKEN: await server.token("health", "provider") };
  const given = await run(["scenarios", "consent", "clinic-access", "--decision", "give", "--comment", "x"], { env });
  t.match(given, { status: 0, stdout: /health +given/ });
  t.match(await run(["scenarios", "consents", "clinic-access"], { env }), { status: 0, stdout: /clinics +outdated/ });
});
