import t from "tap";
import { ClientError, createClient } from "#client/index.ts";
import { AppError } from "#kernel/errors.ts";
import { breakConnection, sendJson, sendProblem, startDouble } from "./http-double.ts";

const JOB = { id: "job_1", state: "queued", egress: { verdict: "pending", findings: [] } };
const SPEC = { scenario: "s", image: "sql@1", sql: "select 1" };

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => "no error",
    (error: unknown) => (error instanceof AppError || error instanceof ClientError ? error.code : String(error)),
  );
}

t.test("a call carries the token, and a POST an idempotency key of its own", async (t) => {
  const { url, seen } = await startDouble(t, [sendJson(202, JOB)]);
  const client = createClient({ url, token: "secret" });
  await client.jobs.submit(SPEC);
  await client.jobs.submit(SPEC);
  await client.jobs.submit(SPEC, { idempotencyKey: "mine" });
  t.equal(seen[0]?.headers.authorization, "Bearer secret");
  t.same(JSON.parse(seen[0]?.body ?? ""), SPEC);
  t.not(seen[0]?.headers["idempotency-key"], seen[1]?.headers["idempotency-key"]);
  t.equal(seen[2]?.headers["idempotency-key"], "mine");
});

t.test("waiting on the server is asked for with Prefer", async (t) => {
  const { url, seen } = await startDouble(t, [sendJson(200, JOB)]);
  await createClient({ url }).jobs.submit(SPEC, { waitSeconds: 7 });
  t.equal(seen[0]?.headers.prefer, "wait=7");
});

t.test("a broken connection is tried again with the same idempotency key", async (t) => {
  const { url, seen } = await startDouble(t, [breakConnection, breakConnection, sendJson(202, JOB)]);
  t.equal((await createClient({ url }).jobs.submit(SPEC)).id, "job_1");
  t.equal(seen.length, 3);
  t.equal(new Set(seen.map(({ headers }) => headers["idempotency-key"])).size, 1);
});

t.test("a step that can be taken once only is not repeated after a broken connection", async (t) => {
  const { url, seen } = await startDouble(t, [breakConnection]);
  t.equal(await codeOf(createClient({ url }).jobs.cancel("job_1")), "unreachable");
  t.equal(seen.length, 1);
});

t.test("tries are bounded", async (t) => {
  const { url, seen } = await startDouble(t, [breakConnection]);
  t.equal(await codeOf(createClient({ url, retries: 2 }).jobs.get("job_1")), "unreachable");
  t.equal(seen.length, 3);
});

t.test("429 and 503 are repeated when the server says when to come back", async (t) => {
  for (const status of [429, 503]) {
    const refusal = sendProblem(status, "queue_full", { "retry-after": "0" });
    const { url, seen } = await startDouble(t, [refusal, refusal, sendJson(200, JOB)]);
    t.equal((await createClient({ url }).jobs.get("job_1")).id, "job_1");
    t.equal(seen.length, 3);
  }
});

t.test("a refusal without a time, or with one too far away, is final", async (t) => {
  for (const headers of [{}, { "retry-after": "3600" }, { "retry-after": "soon" }] as Record<string, string>[]) {
    const { url, seen } = await startDouble(t, [sendProblem(503, "runner_unavailable", headers)]);
    t.equal(await codeOf(createClient({ url }).jobs.get("job_1")), "runner_unavailable");
    t.equal(seen.length, 1);
  }
});

t.test("other failures are never repeated", async (t) => {
  const { url, seen } = await startDouble(t, [sendProblem(500, "internal", { "retry-after": "0" })]);
  t.equal(await codeOf(createClient({ url }).jobs.get("job_1")), "internal");
  t.equal(seen.length, 1);
});

t.test("a problem with a known code is an AppError with message and details", async (t) => {
  const problem = {
    type: "about:blank",
    title: "t",
    status: 403,
    code: "authority_missing",
    detail: "expired",
    details: { reasons: ["agreement_expired"] },
    requestId: "req_1",
  };
  const { url } = await startDouble(t, [sendJson(403, problem)]);
  const error = await createClient({ url })
    .jobs.submit(SPEC)
    .catch((caught: unknown) => caught);
  t.ok(error instanceof AppError);
  t.match(error, { code: "authority_missing", message: "expired", details: { reasons: ["agreement_expired"] } });
});

t.test("an unknown code and an answer that is no problem document are client errors", async (t) => {
  const unknown = await startDouble(t, [sendProblem(418, "teapot")]);
  const error = await createClient({ url: unknown.url })
    .jobs.get("j")
    .catch((caught: unknown) => caught);
  t.match(error, { name: "ClientError", code: "teapot", status: 418 });
  const page = await startDouble(t, [(_request, response) => void response.writeHead(502).end("<html>")]);
  t.equal(await codeOf(createClient({ url: page.url }).jobs.get("j")), "bad_answer");
  const noJson = await startDouble(t, [(_request, response) => void response.writeHead(200).end("{")]);
  t.equal(await codeOf(createClient({ url: noJson.url }).jobs.get("j")), "bad_answer");
});

t.test("a server that does not answer in time is left", async (t) => {
  const { url } = await startDouble(t, [() => undefined]);
  t.equal(await codeOf(createClient({ url, timeoutMs: 60 }).jobs.get("j")), "timed_out");
});

t.test("the caller can give up", async (t) => {
  const { url } = await startDouble(t, [() => undefined]);
  const error = await createClient({ url })
    .jobs.get("j", { signal: AbortSignal.timeout(40) })
    .catch((caught: unknown) => caught);
  t.match(error, { name: "TimeoutError" });
});

t.test("an identifier cannot change the route", async (t) => {
  const { url, seen } = await startDouble(t, [sendJson(200, JOB)]);
  await createClient({ url }).jobs.get("a/../../x?y");
  t.equal(seen[0]?.path, "/v1/jobs/a%2F..%2F..%2Fx%3Fy");
  t.equal(await codeOf(createClient({ url }).jobs.get("..")), "bad_identifier");
  t.throws(() => createClient({ url: "file:///etc" }), { code: "bad_address" });
});

t.test("a redirect is not followed, so the token stays with the server", async (t) => {
  const { url, seen } = await startDouble(t, [
    (_request, response) => void response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(),
  ]);
  t.equal(await codeOf(createClient({ url, retries: 0 }).jobs.get("j")), "unreachable");
  t.equal(seen.length, 1);
});
