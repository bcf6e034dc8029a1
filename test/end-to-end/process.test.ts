import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { createClient } from "#client/index.ts";
import { createDevelopmentIssuer } from "#identity/index.ts";
import { descendantsOf } from "../../src/runner/confinement/index.ts";
import { isAlive } from "../tooling/is-alive.ts";
import { startServeProcess } from "./serve-process.ts";
import { applySpace } from "./apply-space.ts";
import { people, writeSpace } from "./space.ts";

const directory = mkdtempSync(join(tmpdir(), "sluice-process-"));
const data = join(directory, "data");
const sources = join(directory, "sources");
const log: string[] = [];
let child: ChildProcess | undefined;

t.teardown(() => {
  child?.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
});

async function serve(): Promise<string> {
  const started = await startServeProcess({ directory, log });
  child = started.child;
  return started.url;
}

async function client(url: string, organisation: string, role: "operator" | "developer" | "audit") {
  const issuer = await createDevelopmentIssuer(data);
  const token = await issuer.issueToken({ subject: role, organisation, roles: [role], lifetimeSeconds: 600 });
  return createClient({ url, token });
}

async function allGone(pids: number[]): Promise<boolean> {
  for (let tries = 0; tries < 100 && pids.some(isAlive); tries++) await new Promise((r) => setTimeout(r, 100));
  return !pids.some(isAlive);
}

t.test("an acknowledged job survives kill -9 of the server, and no process is left behind", async (t) => {
  const url = await serve();
  const operator = await client(url, "op", "operator");
  const space = writeSpace(sources);
  await applySpace(operator, space);
  const acme = await client(url, "acme", "developer");
  const sql = "select district, count(*) as n from people where district <> 'secret-literal' group by district";
  const done = await acme.jobs.submit({ scenario: "clinic-access", image: "sql@1", sql }, { waitSeconds: 30 });
  t.match(done, { state: "succeeded", egress: { verdict: "release" } });
  const script = "await sql`select count(*) as n from people`; for (;;) {}";
  const endless = await acme.jobs.submit({ scenario: "clinic-access", image: "javascript@1", script });
  const waiting = await acme.jobs.submit({ scenario: "clinic-access", image: "sql@1", sql });
  const pids = descendantsOf(child!.pid!);
  t.ok(pids.length >= 2, "a runner and its processes");
  child!.kill("SIGKILL");
  await once(child!, "exit");
  t.ok(await allGone(pids), "the runner and what it started end with the server");

  const again = await serve();
  const later = await client(again, "acme", "developer");
  t.match(await later.jobs.get(done.id), { state: "succeeded", egress: { releaseId: done.egress.releaseId } });
  t.equal((await later.jobs.get(waiting.id)).id, waiting.id);
  t.match(await later.jobs.wait(waiting.id, { withinMs: 90_000 }), {
    state: "succeeded",
    egress: { verdict: "release" },
  });
  await later.jobs.cancel(endless.id).catch(() => undefined);
});

t.test("SIGTERM ends it in order, with status 0", async (t) => {
  const pids = descendantsOf(child!.pid!);
  child!.kill("SIGTERM");
  const [status] = (await once(child!, "exit")) as [number | null];
  t.equal(status, 0);
  t.ok(await allGone(pids));
});

t.test("no log line holds a value of the data, a statement or a token", async (t) => {
  const text = log.join("\n");
  t.ok(log.length > 20, "there is a log");
  for (const { name } of people().slice(0, 50)) t.notOk(text.includes(`${name}"`), name);
  t.notMatch(text, /secret-literal/);
  t.notMatch(text, /select district/i);
  t.notMatch(text, /eyJ[A-Za-z0-9_-]{10,}\./, "no token");
  t.match(text, /"reqId":"req_/, "requests have ids");
});
