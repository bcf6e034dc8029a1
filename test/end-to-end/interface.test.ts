import t from "tap";
import { startTestServer } from "./server.ts";

const server = await startTestServer(t, { env: { SLUICE_INTERACTIVE_WALL_SECONDS: "3" } });
const acme = await server.client("acme", "developer");

async function call(
  method: string,
  path: string,
  options: { token?: string; body?: unknown; headers?: Record<string, string> } = {},
) {
  const headers = {
    ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
    ...(options.body === undefined ? {} : { "content-type": "application/json" }),
    ...options.headers,
  };
  const body = options.body === undefined ? {} : { body: JSON.stringify(options.body) };
  const response = await fetch(server.url + path, { method, headers, ...body });
  const text = await response.text();
  const json: unknown = text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : undefined;
  return { status: response.status, headers: response.headers, text, json: json as Record<string, unknown> };
}

const developer = await server.token("acme", "developer");
const job = {
  scenario: "clinic-access",
  image: "sql@1",
  sql: "select district, count(*) as n from people group by district",
};

t.test("nobody is served without a token, nor beyond the own role", async (t) => {
  for (const path of [
    "/v1/jobs",
    "/v1/releases",
    "/v1/egress-requests",
    "/v1/audit/entries",
    "/v1/products",
    "/v1/scenarios",
  ]) {
    const refused = await call("GET", path);
    t.equal(refused.status, 401, path);
    t.equal(refused.json["code"], "unauthenticated");
    t.match(refused.headers.get("content-type"), "application/problem+json");
    t.ok(refused.headers.get("www-authenticate"));
  }
  const roles: [string, string, string, Parameters<typeof server.token>[1]][] = [
    ["POST", "/v1/jobs", "op", "operator"],
    ["POST", "/v1/jobs", "bureau", "implementing_body"],
    ["GET", "/v1/audit/entries", "acme", "developer"],
    ["POST", "/v1/egress-requests/egr_0/reviews", "acme", "developer"],
    ["POST", "/v1/egress-requests/egr_0/reviews", "op", "operator"],
    ["POST", "/v1/releases/rel_0/revoke", "acme", "developer"],
  ];
  for (const [method, path, organisation, role] of roles) {
    const refused = await call(method, path, {
      token: await server.token(organisation, role),
      ...(method === "POST" ? { body: {} } : {}),
    });
    t.equal(refused.status, 403, `${role} ${method} ${path}`);
  }
  const forged = await call("GET", "/v1/jobs", { token: `${developer.slice(0, -4)}AAAA` });
  t.equal(forged.status, 401);
});

t.test("a job of another organisation does not exist, nor does its scenario", async (t) => {
  const mine = await acme.jobs.submit(job, { waitSeconds: 30 });
  const rival = await server.token("rival", "developer");
  for (const path of [
    `/v1/jobs/${mine.id}`,
    `/v1/jobs/${mine.id}/log`,
    `/v1/jobs/${mine.id}/events`,
    `/v1/releases/${mine.egress.releaseId}`,
    `/v1/releases/${mine.egress.releaseId}/content`,
    `/v1/egress-requests/${mine.egress.requestId}`,
  ]) {
    const foreign = await call("GET", path, { token: rival });
    const unknown = await call("GET", path.replace(/_[0-9a-z]{26}/, `_${"0".repeat(26)}`), { token: rival });
    t.equal(foreign.status, 404, path);
    t.equal(foreign.json["code"], unknown.json["code"]);
  }
  t.equal((await call("POST", `/v1/jobs/${mine.id}/cancel`, { token: rival, body: {} })).status, 404);
  const foreign = await call("POST", "/v1/jobs", { token: rival, body: job });
  const unknown = await call("POST", "/v1/jobs", { token: rival, body: { ...job, scenario: "no-such" } });
  t.equal(foreign.status, 404);
  t.strictSame([foreign.json["code"], foreign.json["detail"]], [unknown.json["code"], unknown.json["detail"]]);
  t.strictSame((await call("GET", "/v1/jobs", { token: rival })).json["items"], []);
});

t.test("bad input gets a clear problem and loses nothing", async (t) => {
  const bad: [unknown, number, string][] = [
    [{}, 400, "invalid_request"],
    [{ ...job, extra: 1 }, 400, "invalid_request"],
    [{ ...job, image: "sql@99" }, 400, "invalid_request"],
    [{ ...job, script: "1" }, 400, "invalid_request"],
    [{ ...job, sql: "select 'a\0b' as x" }, 400, "invalid_request"],
    [{ ...job, title: "half \uD83D" }, 400, "invalid_request"],
    [{ scenario: "clinic-access", image: "javascript@1", sql: "select 1" }, 400, "invalid_request"],
    [{ ...job, sql: "x".repeat(40_000) }, 400, "invalid_request"],
    [{ ...job, sql: 5 }, 400, "invalid_request"],
    [{ ...job, mode: "twin" }, 501, "not_supported"],
    [{ ...job, parameters: { "bad name": 1 } }, 400, "invalid_request"],
  ];
  for (const [body, status, code] of bad) {
    const refused = await call("POST", "/v1/jobs", { token: developer, body });
    t.match(refused, { status, json: { code, requestId: /^req_/ } }, JSON.stringify(body).slice(0, 80));
  }
  const broken = await fetch(`${server.url}/v1/jobs`, {
    method: "POST",
    headers: { authorization: `Bearer ${developer}`, "content-type": "application/json" },
    body: "{",
  });
  t.equal(broken.status, 400);
  const text = await fetch(`${server.url}/v1/jobs`, {
    method: "POST",
    headers: { authorization: `Bearer ${developer}`, "content-type": "text/plain" },
    body: "x",
  });
  t.equal(text.status, 415);
  const large = await call("POST", "/v1/jobs", { token: developer, body: { ...job, title: "x".repeat(2_000_000) } });
  t.equal(large.status, 413);
  t.equal((await call("GET", "/v1/jobs?cursor=%21", { token: developer })).json["code"], "invalid_cursor");
  t.equal((await call("GET", "/v1/nothing", { token: developer })).status, 404);
});

t.test("the same idempotency key gives the same job, another request with it is refused", async (t) => {
  const headers = { "idempotency-key": "key-1" };
  const first = await call("POST", "/v1/jobs", { token: developer, body: job, headers });
  const second = await call("POST", "/v1/jobs", { token: developer, body: job, headers });
  t.equal(first.status, 202);
  t.equal(second.json["id"], first.json["id"]);
  t.equal(second.headers.get("idempotency-replayed"), "true");
  const other = await call("POST", "/v1/jobs", { token: developer, body: { ...job, title: "other" }, headers });
  t.match(other, { status: 422, json: { code: "idempotency_conflict" } });
  const both = await Promise.all(
    [1, 2, 3].map(async () =>
      call("POST", "/v1/jobs", { token: developer, body: job, headers: { "idempotency-key": "key-2" } }),
    ),
  );
  t.equal(new Set(both.map((answer) => answer.json["id"])).size, 1);
});

t.test("a job can be followed by server-sent events to its end", async (t) => {
  const submitted = await acme.jobs.submit(job);
  const states: string[] = [];
  for await (const event of acme.jobs.events(submitted.id)) if (event.state) states.push(event.state);
  t.equal(states.at(-1), "succeeded");
  t.strictSame(states, [...new Set(states)], "each state once");
});

t.test("a job ends at its wall clock, and one that is cancelled ends soon", async (t) => {
  const endless = { scenario: "clinic-access", image: "javascript@1", script: "for (;;) {}" };
  const started = Date.now();
  t.match(await acme.jobs.submit(endless, { waitSeconds: 20 }), { state: "failed", reasonCode: "timeout" });
  t.ok(Date.now() - started < 15_000);
  const waiting = await acme.jobs.submit({
    ...endless,
    script: "await sql`select count(*) as n from people`; for (;;) {}",
  });
  await new Promise((resolve) => setTimeout(resolve, 800));
  t.ok(["queued", "leased", "running"].includes((await acme.jobs.cancel(waiting.id)).state));
  t.match(await acme.jobs.wait(waiting.id, { withinMs: 10_000 }), { state: "cancelled" });
  await t.rejects(acme.jobs.cancel(waiting.id), { code: "invalid_transition" });
  t.match(await acme.jobs.submit(job, { waitSeconds: 20 }), { state: "succeeded" }, "others go on");
});

t.test("validate judges the form and runs nothing", async (t) => {
  const fine = await acme.jobs.submit({ ...job, mode: "validate" }, { waitSeconds: 20 });
  t.match(fine, { state: "succeeded", outputs: [], egress: { verdict: "not_requested" } });
  const refused = await acme.jobs.submit(
    { ...job, sql: "select max(income) from people", mode: "validate" },
    { waitSeconds: 20 },
  );
  t.match(refused, { state: "failed", reasonCode: "plan_refused" });
});

t.test("parameters are constants of the query", async (t) => {
  const asked = await acme.jobs.submit(
    {
      ...job,
      sql: "select district, count(*) as n from people where district = $d group by district",
      parameters: { d: "鹿城" },
    },
    { waitSeconds: 20 },
  );
  t.match(asked, { state: "succeeded", outputs: [{ rows: 1 }] });
  const unknown = await acme.jobs.submit(
    { ...job, sql: "select count(*) as n from people where district = $nope" },
    { waitSeconds: 20 },
  );
  t.match(unknown, { state: "failed", reasonCode: "query_invalid" });
});

t.test("nobody reviews the own organisation's request, and egress is asked for once", async (t) => {
  const asked = await acme.jobs.submit(
    { ...job, scenario: "row-study", sql: "select income from people limit 2" },
    { waitSeconds: 20 },
  );
  const again = { job: asked.id, productType: "statistical_report" as const, purpose: "again", recipients: ["acme"] };
  await t.rejects(acme.egress.request(again), { code: "conflict" });
  const quiet = await acme.jobs.submit({ ...job, requestEgress: false }, { waitSeconds: 20 });
  t.match(quiet, { egress: { verdict: "not_requested" } });
  const stranger = { ...again, job: quiet.id, recipients: ["rival"] };
  t.match(
    await acme.egress.request(stranger),
    { state: "rejected", verdict: "block" },
    "a recipient outside the opinion",
  );
});

t.test("lists come in pages, newest first", async (t) => {
  const first = await acme.jobs.page({ limit: 3 });
  t.equal(first.items.length, 3);
  const rest = await acme.jobs.page({ limit: 200, cursor: first.next! });
  const ids = [...first.items, ...rest.items].map((item) => item.id);
  t.strictSame(ids, ids.toSorted().toReversed());
  t.equal(new Set(ids).size, ids.length);
  t.notOk(rest.next);
});

t.test("a revoked release is gone", async (t) => {
  const done = await acme.jobs.submit(job, { waitSeconds: 20 });
  const operator = await server.client("op", "operator");
  t.match(await operator.releases.revoke(done.egress.releaseId!, "撤回"), { state: "revoked" });
  const content = await call("GET", `/v1/releases/${done.egress.releaseId}/content`, { token: developer });
  t.match(content, { status: 410, json: { code: "release_revoked" } });
});

t.test("health, metrics and the OpenAPI document are served", async (t) => {
  t.equal((await call("GET", "/healthz")).status, 200);
  t.equal((await call("GET", "/readyz")).status, 200);
  t.match((await call("GET", "/metrics")).text, /sluice_jobs\{state="succeeded"\} [1-9]/);
  const document = (await call("GET", "/openapi.json")).json as { openapi: string; paths: Record<string, object> };
  t.match(document.openapi, /^3\.1/);
  for (const path of [
    "/v1/jobs",
    "/v1/jobs/{id}",
    "/v1/releases/{id}/content",
    "/v1/egress-requests/{id}/reviews",
    "/v1/products",
    "/v1/scenarios",
    "/v1/filings",
  ]) {
    t.ok(document.paths[path], path);
  }
});

t.test("the audit log verifies, and tells who did what", async (t) => {
  const auditor = await server.client("op", "audit");
  const actions = new Set<string>();
  for await (const entry of auditor.audit.entries()) actions.add(entry.action);
  for (const action of [
    "job.submitted",
    "job.leased",
    "job.succeeded",
    "egress.checked",
    "egress.released",
    "job.cancelled",
    "egress.revoked",
  ]) {
    t.ok(actions.has(action), action);
  }
});

t.test("a script may say what no database keeps, and its job ends all the same", async (t) => {
  const script = String.raw`console.log("a\0b", "half \uD83D"); output.json("done", 1);`;
  const client = await server.client("acme", "developer");
  const done = await client.jobs.submit(
    { scenario: "clinic-access", image: "javascript@1", script },
    { waitSeconds: 30 },
  );
  t.match(done, { state: "succeeded" }, `${done.reasonCode} ${done.reason}`);
  t.match(await client.jobs.log(done.id), [{ text: "a\uFFFDb half \uFFFD" }]);
});
