import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { WEBHOOK_EVENT_NAMES } from "#contract/webhook.ts";
import { startTestServer } from "../end-to-end/server.ts";
import { writeSpace } from "../end-to-end/space.ts";
import { join } from "node:path";
import { startReceiver } from "./receiver.ts";

const receiver = await startReceiver(t);
const server = await startTestServer(t);
const { operations } = await server.client("op", "operator");

async function until(condition: () => boolean | Promise<boolean>): Promise<boolean> {
  for (let tries = 0; tries < 300; tries++) {
    if (await condition()) return true;
    await sleep(100);
  }
  return false;
}

t.test("a running server tells of a job's end and its release, in the order of the log", async (t) => {
  const view = await operations.put({ id: "registry", url: receiver.url, events: [...WEBHOOK_EVENT_NAMES] });
  t.match(view, { id: "registry", state: "active", waiting: 0, dead: 0 });
  receiver.secret = (await operations.secret("registry")).secret;
  t.match(receiver.secret, /^whsec_/);
  const acme = await server.client("acme", "developer");
  const sql = "select district, count(*) as n from people group by district";
  const job = await acme.jobs.submit({ scenario: "clinic-access", image: "sql@1", sql }, { waitSeconds: 60 });
  t.ok(await until(() => receiver.received.length >= 3));
  t.match(
    receiver.received.map(({ message, verified }) => ({ type: message.type, data: message.data, verified })),
    [
      { type: "job.ended", data: { job: job.id, state: "succeeded" }, verified: true },
      { type: "egress.decided", data: { job: job.id, decision: "checked", verdict: "release" }, verified: true },
      {
        type: "release.made",
        data: { job: job.id, release: job.egress.releaseId, recipients: ["acme"] },
        verified: true,
      },
    ],
  );
  const entries = receiver.received.map(({ message }) => message.entry);
  t.strictSame(
    entries,
    entries.toSorted((a, b) => a - b),
  );
  t.notMatch(JSON.stringify(receiver.received), /select district|鹿城/, "neither a statement nor a value");
});

t.test("only the operator declares, and only what is allowed", async (t) => {
  const acme = (await server.client("acme", "developer")).operations;
  await t.rejects(acme.list(), { code: "forbidden" });
  await t.rejects(acme.put({ id: "x", url: receiver.url, events: ["job.ended"] }), { code: "forbidden" });
  for (const url of ["http://10.0.0.1/", "https://example.test/", "http://169.254.169.254/"]) {
    await t.rejects(operations.put({ id: "x", url, events: ["job.ended"] }), { code: "invalid_request" }, url);
  }
  await t.rejects(operations.pause("never-declared"), { code: "not_found" });
  t.match(await operations.pause("registry"), { state: "paused" });
  await t.rejects(operations.pause("registry"), { code: "invalid_transition" });
  t.match(await operations.resume("registry"), { state: "active" });
  t.equal((await operations.secret("registry", true)).version, 2);
  await operations.remove("registry");
  t.strictSame(await operations.list(), []);
});

t.test("a space file declares webhooks, and applying it again changes nothing", async (t) => {
  const operator = await server.client("op", "operator");
  const space = writeSpace(join(server.directory, "sources"));
  const declared = { ...space, webhooks: [{ id: "board", url: receiver.url, events: ["alarm.raised" as const] }] };
  const apply = async () => {
    const { changes } = await operator.space.apply(declared, { development: true });
    return changes.filter(({ kind }) => kind === "webhook");
  };
  t.match(await apply(), [{ id: "board", change: "created" }]);
  t.match(await apply(), [{ id: "board", change: "unchanged" }]);
  t.match(await operations.list(), [{ id: "board", events: ["alarm.raised"] }]);
  const evil = { ...space, webhooks: [{ id: "board", url: "http://10.0.0.1/", events: ["alarm.raised" as const] }] };
  await t.rejects(operator.space.apply(evil, { development: true }), { code: "invalid_request" });
});

t.test("chores run, and are there to be looked at", async (t) => {
  const has = (name: string, chores: Awaited<ReturnType<typeof operations.chores>>) =>
    chores.some((chore) => chore.name === name && chore.succeededAt !== undefined && chore.failures === 0);
  const names = ["sweep", "retention.outputs", "retention.keys", "audit.checkpoint", "egress.expire"];
  t.ok(await until(async () => operations.chores().then((chores) => names.every((name) => has(name, chores)))));
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  t.match(metrics, /sluice_chore_failures\{chore="sweep"\} 0/);
});
