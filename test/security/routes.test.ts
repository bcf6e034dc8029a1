import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { listEntries } from "#audit/index.ts";
import type { Client } from "#client/index.ts";
import { startChores } from "#control-plane/index.ts";
import type { SecurityEvent } from "#contract/security.ts";
import type { AppError } from "#kernel/errors.ts";
import type { Database } from "#persistence/index.ts";
import { clock } from "../authority/stage.ts";
import { submit } from "../jobs/staged-jobs.ts";
import { serve } from "./served.ts";
import { finish, note, statement } from "./stage.ts";

const viewed = (subject: string) => ({
  kind: "log.viewed" as const,
  atMs: clock.at,
  text: subject,
  details: { subject },
});

t.test("each part of the log is for those whose work it is", async (t) => {
  const { client, db } = await serve(t);
  await finish(db);
  const calls: [name: string, roles: readonly string[], call: (client: Client) => Promise<unknown>][] = [
    ["events", ["security"], async ({ security }) => security.page()],
    ["export", ["security"], async ({ security }) => (await security.export()).text()],
    ["alarms", ["security", "implementing_body", "operator"], async ({ security }) => first(security.alarms())],
    [
      "suspensions",
      ["security", "implementing_body", "operator"],
      async ({ security }) => first(security.suspensions()),
    ],
    ["acknowledge", ["security"], async ({ security }) => security.acknowledge("alm_none", "x")],
    [
      "suspend",
      ["security", "implementing_body"],
      async ({ security }) => security.suspend({ scope: { scenario: "none" }, reason: "x" }),
    ],
    ["lift", ["security", "implementing_body"], async ({ security }) => security.lift("sus_none", "x")],
  ];
  const people = ["security", "implementing_body", "operator", "reviewer", "audit", "developer", "provider"];
  for (const [name, roles, call] of calls) {
    for (const role of people) {
      const organisation = role === "implementing_body" ? "bureau" : role === "developer" ? "acme" : "wz-operator";
      const code = await call(client(role, organisation)).then(
        () => "ok",
        (error: unknown) => (error as AppError).code,
      );
      if (roles.includes(role)) t.ok(["ok", "not_found"].includes(code), `${role} may ${name}: ${code}`);
      else t.equal(code, "forbidden", `${role} may not ${name}`);
    }
  }
  const used = (await listEntries(db, { afterSeq: 0, limit: 1000 })).map(({ action }) => action);
  t.ok(used.includes("security_log.searched") && used.includes("security_log.exported"), "looking is recorded");
});

t.test("a suspension is shown to the developer as a code, and its releases are not read meanwhile", async (t) => {
  const { client, db, url } = await serve(t);
  const { id } = await finish(db);
  const acme = client("developer", "acme");
  const { egress, submittedAt, finishedAt } = await acme.jobs.get(id);
  const view = await client("security").security.suspend({ scope: { organisation: "acme" }, reason: "机密" });
  const job = { scenario: "clinic-access", image: "sql@1", sql: "select 1" };
  const refused = await acme.jobs.submit(job).catch((error: unknown) => error);
  t.match(refused, { code: "authority_missing" });
  const content = await fetch(`${url}/v1/releases/${egress.releaseId}/content`, {
    headers: { authorization: "Bearer developer~acme" },
  });
  t.equal(content.status, 403);
  const text = await content.text();
  t.match(JSON.parse(text), { code: "authority_missing", details: { reasons: ["organisation_suspended"] } });
  t.notMatch(text, /机密|a-security/, "neither why nor by whom");
  await t.rejects(acme.jobs.log(id), { code: "authority_missing" }, "nor what a script said of its results");
  t.match(await client("security").jobs.log(id), [{ text: "done" }]);
  t.equal((await acme.releases.get(egress.releaseId!)).state, "released", "that it is there stays known");
  await client("security").security.lift(view.id, "好了");
  t.match(await acme.jobs.log(id), [{ text: "done" }]);

  const exact = await client("operator").jobs.get(id);
  for (const time of [submittedAt, finishedAt!]) t.match(time, /\.000Z$/, "a developer learns whole seconds");
  t.match(exact.finishedAt, /\.020Z$/, "staff see the exact time");
});

t.test("who reads a job's log is written down, its owner is not", async (t) => {
  const { client, db } = await serve(t);
  const { id } = await finish(db);
  t.match(await client("developer", "acme").jobs.log(id), [{ text: "done" }]);
  t.match(await client("security").jobs.log(id), [{ text: "done" }]);
  const views = await client("security").security.page({ job: id, kind: ["log.viewed"] });
  t.match(views.items, [{ details: { subject: "a-security" }, scenario: "clinic-access" }]);
  t.equal(views.items.length, 1);
  const entries = await listEntries(db, { afterSeq: 0, limit: 10, action: "job.log_viewed" });
  t.match(entries, [{ actor: { id: "a-security" }, subject: { kind: "job", id } }]);
});

t.test("refused requests are counted together and told with the next chore", async (t) => {
  const { client, db, deployment } = await serve(t);
  for (let i = 0; i < 5; i++) await t.rejects(client("bad").jobs.get("job_1"), { code: "unauthenticated" });
  await t.rejects(client("developer", "acme").security.page(), { code: "forbidden" });
  await t.rejects(client("security").jobs.get("job_none"), { code: "not_found" }, "is nobody's fault");
  await startChores(deployment)();
  const { items } = await client("security").security.page({ kind: ["access.refused"] });
  t.equal(items.length, 2);
  t.match(
    items.find(({ organisation }) => organisation === undefined),
    { details: { code: "unauthenticated", count: 5, address: "127.0.0.1" } },
  );
  t.match(
    items.find(({ organisation }) => organisation === "acme"),
    { details: { code: "forbidden", subject: "a-developer", route: "/v1/security/events" } },
  );
  t.match(await deployment.metrics.register.metrics(), /sluice_security_events_total\{kind="access.refused"\} 2/);
  t.match(await listEntries(db, { afterSeq: 0, limit: 5, action: "access.refused" }), [{ outcome: "denied" }]);
});

t.test("a tail goes on where it was after a broken connection, and ends with the server", async (t) => {
  const { client, db, deployment, app, url } = await serve(t);
  const write = async (subject: string) => {
    await note(db, [viewed(subject), { ...viewed("other"), kind: "log.exported" }]);
    deployment.signal.security();
  };
  await write("before");
  const stop = new AbortController();
  const tail = client("security").security.follow({ kind: ["log.viewed"] }, { signal: stop.signal });
  const events = tail[Symbol.asyncIterator]() as AsyncIterator<SecurityEvent, void>;
  const one = events.next();
  await waitFor(async () => (await followers(db)) === 1);
  await write("one");
  const { seq } = (await one).value as SecurityEvent;
  stop.abort();
  await events.return?.();
  await write("two");
  await write("three");
  const again = client("security").security.follow({ kind: ["log.viewed"] }, { after: seq });
  const subjects: unknown[] = [];
  for await (const { details } of again) {
    subjects.push(details["subject"]);
    if (subjects.length === 2) break;
  }
  t.strictSame(subjects, ["two", "three"], "neither lost nor twice");
  const headers = { accept: "text/event-stream", authorization: "Bearer security~wz-operator" };
  const raw = await fetch(`${url}/v1/security/events`, { headers });
  const bad = await fetch(`${url}/v1/security/events`, { headers: { ...headers, "last-event-id": "x" } });
  t.equal(bad.status, 400);
  await app.close();
  t.match(await raw.text(), /^: connected\n\n/, "the stream ended, and did not break");
});

t.test("what an Accept header asks for decides the form", async (t) => {
  const { url } = await serve(t);
  const get = async (accept: string, query = "") =>
    (
      await fetch(`${url}/v1/security/events${query}`, {
        headers: { accept, authorization: "Bearer security~wz-operator" },
      })
    ).status;
  t.equal(await get("application/json"), 200);
  t.equal(await get("image/png"), 406);
  t.equal(await get("application/x-ndjson", "?limit=5"), 400);
  t.equal(await get("application/json", "?kind=no.such"), 400);
  t.equal(await get("application/json", "?kind=job.ended&kind=job.started&since=2026-01-01T00:00:00Z"), 200);
});

t.test("one who waits for a job hears of a suspension", async (t) => {
  const { client, db } = await serve(t);
  const { id } = await submit(db, { sql: statement().sql });
  const events = client("developer", "acme").jobs.events(id);
  const states: unknown[] = [];
  const done = (async () => {
    for await (const { state } of events) states.push(state);
  })();
  await sleep(50);
  await client("implementing_body", "bureau").security.suspend({
    scope: { scenario: "clinic-access" },
    reason: "抽查",
  });
  await done;
  t.equal(states.at(-1), "cancelled");
});

async function first<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}

async function followers(db: Database): Promise<number> {
  return (await listEntries(db, { afterSeq: 0, limit: 10, action: "security_log.followed" })).length;
}

async function waitFor(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await sleep(10);
}
