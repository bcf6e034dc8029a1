import { mkdirSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { JobView } from "#contract/job.ts";
import { skipPostgres } from "../persistence/databases.ts";
import { applySpace } from "./apply-space.ts";
import { startTestServer } from "./server.ts";
import { writeSpace } from "./space.ts";

const sql = "select district, count(*) as n from people group by district";

t.test("a full queue and a used-up quota answer 429, a paused runner leaves jobs waiting", async (t) => {
  const server = await startTestServer(t, { empty: true, env: { SLUICE_QUEUE_LIMIT_ORGANISATION: "3" } });
  const sources = join(server.directory, "sources");
  mkdirSync(sources, { recursive: true });
  const space = writeSpace(sources);
  const [scenario] = space.scenarios!;
  scenario!.agreement = { ...scenario!.agreement!, quota: { jobs: 5, classes: ["interactive"] } };
  const operator = await server.client("op", "operator");
  await applySpace(operator, { ...space, scenarios: [scenario!] });
  const acme = await server.client("acme", "developer");
  const token = await server.token("acme", "developer");
  const post = async (body: object = {}) =>
    fetch(`${server.url}/v1/jobs`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ scenario: "clinic-access", image: "sql@1", sql, ...body }),
    });
  await acme.jobs.submit({ scenario: "clinic-access", image: "sql@1", sql }, { waitSeconds: 60 });
  t.match(await operator.runners.list(), [{ name: "local", state: "active", places: 2, running: 0 }]);
  await t.rejects(acme.runners.list(), { code: "forbidden" });
  await t.rejects(operator.runners.pause("nobody"), { code: "not_found" });
  t.match(await operator.runners.pause("local", "maintenance"), { state: "paused", changedBy: "operator-of-op" });
  await t.rejects(operator.runners.pause("local"), { code: "invalid_transition" });

  const waiting: JobView[] = [];
  for (let i = 0; i < 3; i++) waiting.push((await (await post()).json()) as JobView);
  const full = await post();
  t.equal(full.status, 429);
  t.equal(full.headers.get("retry-after"), "5");
  t.match(await full.json(), { code: "organisation_queue_full" });
  t.match(await (await post({ class: "batch" })).json(), { code: "organisation_queue_full" });
  t.match(await acme.jobs.cancel(waiting[0]!.id), { state: "cancelled" });
  const refused = await post({ class: "batch" });
  t.equal(refused.status, 403);
  t.match(await refused.json(), { code: "class_not_agreed" });
  t.match(await acme.jobs.get(waiting[1]!.id), { state: "queued" });

  t.match(await operator.runners.drain("local"), { state: "draining", running: 0 });
  t.match(await operator.runners.resume("local"), { state: "active" });
  for (const { id } of waiting.slice(1)) t.match(await acme.jobs.wait(id), { egress: { verdict: "release" } });
  t.equal((await post()).status, 202);
  const over = await post();
  t.equal(over.status, 429);
  t.match(await over.json(), { code: "quota_exceeded", details: { limit: "jobs", allowed: 5 } });
  t.ok(Number(over.headers.get("retry-after")) > 0);
  const audit = await server.client("op", "audit");
  const actions: string[] = [];
  for await (const entry of audit.audit.entries()) if (entry.subject.kind === "runner") actions.push(entry.action);
  t.match(actions.filter((action) => !["runner.started", "runner.seen"].includes(action)).toSorted(), [
    "runner.drained",
    "runner.paused",
    "runner.resumed",
  ]);
});

t.test("many jobs at once on PostgreSQL end once each, in shared transactions", { skip: skipPostgres() }, async (t) => {
  const server = await startTestServer(t, { kind: "postgres" });
  const acme = await server.client("acme", "developer");
  const submit = async () => acme.jobs.submit({ scenario: "clinic-access", image: "sql@1", sql }, { waitSeconds: 60 });
  const done = await Promise.all(Array.from({ length: 24 }, submit));
  for (const { state, egress } of done)
    t.match({ state, egress }, { state: "succeeded", egress: { verdict: "release" } });
  t.equal(new Set(done.map(({ egress }) => egress.releaseId)).size, 24);
});
