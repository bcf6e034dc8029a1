import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import t from "tap";
import { createClient } from "#client/index.ts";
import { createDevelopmentIssuer } from "#identity/index.ts";
import { people, writeSpace } from "./space.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const directory = mkdtempSync(join(tmpdir(), "sluice-process-"));
const data = join(directory, "data");
const sources = join(directory, "sources");
const log: string[] = [];
let child: ChildProcess | undefined;

t.teardown(() => {
  child?.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
});

/** `sluice serve` as a user starts it; answers where it listens. */
async function serve(): Promise<string> {
  const flags = ["serve", "--development", "--data", data, "--port", "0", "--source-root", sources];
  child = spawn(process.execPath, ["--no-node-snapshot", join(ROOT, "src/bin/sluice.ts"), ...flags], {
    env: { PATH: process.env["PATH"], HOME: directory, SLUICE_LOG_LEVEL: "trace", SLUICE_RATE_LIMIT: "10000" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  createInterface({ input: child.stdout! }).on("line", (line) => log.push(line));
  for await (const line of createInterface({ input: child.stderr! })) {
    log.push(line);
    const url = /listens on (\S+)/.exec(line)?.[1];
    if (url) return url;
  }
  throw new Error(`the server did not start: ${log.join("\n")}`);
}

async function client(url: string, organisation: string, role: "operator" | "developer" | "audit") {
  const issuer = await createDevelopmentIssuer(data);
  const token = await issuer.issueToken({ subject: role, organisation, roles: [role], lifetimeSeconds: 600 });
  return createClient({ url, token });
}

/** Our processes that work on this data directory's behalf: children of the server, and theirs. */
function family(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  return children.flatMap((each) => [each, ...family(each)]);
}

const isAlive = (pid: number) => {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
};

async function allGone(pids: number[]): Promise<boolean> {
  for (let tries = 0; tries < 100 && pids.some(isAlive); tries++) await new Promise((r) => setTimeout(r, 100));
  return !pids.some(isAlive);
}

t.test("an acknowledged job survives kill -9 of the server, and no process is left behind", async (t) => {
  const url = await serve();
  const operator = await client(url, "op", "operator");
  const space = writeSpace(sources);
  await operator.space.apply(space, { development: true });
  for (const { id } of space.products ?? []) {
    while ((await operator.products.get(id)).version?.state === "ingesting")
      await new Promise((r) => setTimeout(r, 100));
  }
  const acme = await client(url, "acme", "developer");
  const sql = "select district, count(*) as n from people where district <> 'secret-literal' group by district";
  const done = await acme.jobs.submit({ scenario: "clinic-access", image: "sql@1", sql }, { waitSeconds: 30 });
  t.match(done, { state: "succeeded", egress: { verdict: "release" } });
  const script = "await sql`select count(*) as n from people`; for (;;) {}";
  const endless = await acme.jobs.submit({ scenario: "clinic-access", image: "javascript@1", script });
  const waiting = await acme.jobs.submit({ scenario: "clinic-access", image: "sql@1", sql });
  const pids = family(child!.pid!);
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
  const pids = family(child!.pid!);
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
