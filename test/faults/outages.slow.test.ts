import { mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import t, { type Test } from "tap";
import { skipPostgres } from "../persistence/databases.ts";
import { violations } from "./checks.ts";
import { type Load, startLoad } from "./load.ts";
import { startTarget, type Target } from "./target.ts";
import { findRunner } from "./victims.ts";

const AT_WORK: readonly string[] = ["leased", "running"];
const TIMEOUT_MS = 1_800_000;
const job = { scenario: "clinic-access", image: "sql@1", sql: "select count(*) as n from people" };

/** One job more, from its submission to its end: the server is itself again. */
async function worksAgain(t: Test, target: Target, load: Load): Promise<void> {
  const before = load.ended.size;
  for (let tries = 0; tries < 1_200 && load.ended.size <= before + 1; tries++) await sleep(100);
  t.ok(load.ended.size > before + 1, "jobs end again, and nobody has done anything");
  await load.finish();
  // what still runs would be released while it is looked
  const acme = await target.client("acme", "developer");
  for (const id of load.others) t.match(await acme.jobs.wait(id, { withinMs: 120_000 }), { state: "succeeded" });
  t.strictSame(await violations(target, load), [], "nothing was lost");
  t.strictSame(await target.stop(), [], "it ends in order, and no process is left");
}

async function ended(load: Load, count: number): Promise<void> {
  for (let tries = 0; tries < 1_200 && load.ended.size < count; tries++) await sleep(100);
}

/** What somebody who does not try again is told. */
async function refusal(target: Target): Promise<Response> {
  const headers = {
    authorization: `Bearer ${await target.token("acme", "developer")}`,
    "content-type": "application/json",
  };
  const body = JSON.stringify(job);
  return fetch(`${await target.url()}/v1/jobs`, { method: "POST", headers, body, signal: AbortSignal.timeout(30_000) });
}

/** The same in a word: `accepted`, or why not. */
async function codeOf(target: Target, load: Load): Promise<string> {
  try {
    const answer = await refusal(target);
    const { id, code } = (await answer.json()) as { id?: string; code: string };
    if (answer.ok && id !== undefined) load.others.add(id);
    return answer.ok ? "accepted" : code;
  } catch {
    return "unreachable";
  }
}

t.test("a database that is away for ten seconds", { skip: skipPostgres(), timeout: TIMEOUT_MS }, async (t) => {
  const target = await startTarget(t, { kind: "postgres" });
  const load = startLoad(target, 2);
  await ended(load, 1);
  const pid = await target.pid();
  await target.cluster!.crash();
  await sleep(2_000);
  const answer = await refusal(target);
  t.equal(answer.status, 503);
  t.match(await answer.json(), { code: "database_unavailable" });
  t.match(answer.headers.get("retry-after"), /^\d+$/, "it says when to come again");
  await sleep(8_000);
  await target.cluster!.start();
  await worksAgain(t, target, load);
  t.equal(await lastPid(target, pid), pid, "the server was not even started again");
});

async function lastPid(target: Target, before: number): Promise<number> {
  return target.log.filter((line) => line.includes("listens on")).length === 1 ? before : target.pid();
}

/** Stops the process while it has a job. */
async function stopAtWork(target: Target, runner: number): Promise<void> {
  const acme = await target.client("acme", "developer");
  for (let tries = 0; tries < 100; tries++) {
    process.kill(runner, "SIGSTOP");
    // what it said last may be under way
    await sleep(300);
    for await (const { state } of acme.jobs.list({ limit: 200 })) if (AT_WORK.includes(state)) return;
    process.kill(runner, "SIGCONT");
    await sleep(100);
  }
  throw new Error("it never had a job when it was stopped");
}

t.test("a runner that stands still for longer than its leases", { timeout: TIMEOUT_MS }, async (t) => {
  const target = await startTarget(t, { kind: "embedded" });
  const load = startLoad(target, 2);
  await ended(load, 1);
  const runner = findRunner(await target.pid())!;
  await stopAtWork(target, runner);
  const isLost = () => target.log.some((line) => line.includes("leases were lost"));
  for (let tries = 0; tries < 1_200 && !isLost(); tries++) await sleep(100);
  t.ok(isLost(), "its leases ran out");
  await sleep(1_000);
  process.kill(runner, "SIGCONT");
  await worksAgain(t, target, load);
});

function isRefusal(code: string): boolean {
  return ["database_unavailable", "storage_full", "unreachable"].includes(code);
}

/** A file system of its own that is small enough to be filled; undefined where it cannot be mounted. */
function mountSmall(): string | undefined {
  const place = mkdtempSync(join(tmpdir(), "sluice-small-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256m", "tmpfs", place], { stdio: "pipe" });
    return place;
  } catch {
    rmSync(place, { recursive: true });
    return undefined;
  }
}

function unmount(place: string): void {
  execFileSync("umount", ["--lazy", place]);
  rmdirSync(place);
}

for (const kind of ["embedded", "postgres"] as const) {
  const small = kind === "postgres" && skipPostgres() !== false ? undefined : mountSmall();
  const skip = small === undefined && "a tmpfs cannot be mounted here";
  if (small !== undefined) t.teardown(() => unmount(small));
  t.test(`a disk that is full for a while (${kind})`, { skip, timeout: TIMEOUT_MS }, async (t) => {
    const target = await startTarget(t, { kind, under: small! });
    const load = startLoad(target, 2);
    await ended(load, 1);
    const filler = join(small!, "filler");
    const fill = () => {
      const { bavail, bsize } = statfsSync(small!);
      try {
        if (bavail > 0) writeFileSync(filler, Buffer.alloc(bavail * bsize), { flag: "a" });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      }
    };
    const told: string[] = [];
    // the embedded database writes for a while into what it has already
    const isTold = () => kind === "postgres" || told.some(isRefusal);
    for (let n = 0; n < 8 || (n < 120 && !isTold()); n++) {
      for (let fills = 0; fills < 5; fills++) {
        fill();
        await sleep(100);
      }
      told.push(await codeOf(target, load));
    }
    rmSync(filler);
    t.comment(
      `told while it was full: ${[...new Set(told)].map((code) => `${told.filter((each) => each === code).length} ${code}`).join(", ")}`,
    );
    // PostgreSQL's own disk is another one: it goes on taking jobs, whose reports wait
    t.ok(kind === "postgres" || told.some(isRefusal), "who submits is told that it cannot be kept");
    t.notOk(told.includes("internal"), "and never that something is wrong that nobody foresaw");
    await worksAgain(t, target, load);
  });
}
