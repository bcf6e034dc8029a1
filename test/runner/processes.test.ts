import { readFileSync } from "node:fs";
import t from "tap";
import { DEFAULT_ISOLATE_LIMITS } from "#contract/isolate.ts";
import type { MountedScenario } from "../../src/runner/engine-pool.ts";
import { ConfinedProcess } from "../../src/runner/confined-process.ts";
import { EngineClient } from "../../src/runner/engine-client.ts";
import { EnginePool } from "../../src/runner/engine-pool.ts";
import { IsolateClient } from "../../src/runner/isolate-client.ts";
import { SparePool } from "../../src/runner/spare-pool.ts";

const launch = { readOnly: [], memoryBytes: 512 * 1024 * 1024, confinement: "process" as const };
const scenario = (id: string, change: Partial<MountedScenario> = {}): MountedScenario => ({
  id,
  visibility: "aggregates",
  joins: [],
  products: [],
  ...change,
});
const needs = (mounted: MountedScenario, memoryBytes = 2e8) => ({ scenario: mounted, memoryBytes });
const alive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

t.test("a confined process has an empty environment and dies with its pipes", async (t) => {
  process.env["SLUICE_CANARY"] = "canary-value";
  const engine = await ConfinedProcess.start({ ...launch, role: "engine" });
  t.notMatch(readFileSync(`/proc/${engine.pid}/environ`, "utf8"), /canary-value|^PATH=|\0PATH=|HOME=/i);
  t.notMatch(readFileSync(`/proc/${engine.pid}/cmdline`, "utf8"), /canary-value/);
  delete process.env["SLUICE_CANARY"];
  engine.kill();
  t.match(await engine.ended, { signal: "SIGKILL", requested: true });
  t.throws(() => engine.send({ op: "query", id: 1 }), { code: "process_failed" });
});

t.test("a call to an engine that ends is refused with a code, not left waiting", async (t) => {
  const engine = await EngineClient.start(launch);
  const waiting = engine.ask({
    op: "open",
    scenario: "s",
    visibility: "aggregates",
    products: [],
    joins: [],
    threads: 1,
    memoryBytes: 1e8,
  });
  process.kill(engine.process.pid!, "SIGSEGV");
  await t.rejects(waiting, { code: "process_failed" });
  t.match(await engine.process.ended, { requested: false });
  await t.rejects(engine.ask({ op: "render", format: "csv", suppressed: 0, notes: [] }), { code: "process_failed" });
});

t.test("an engine that breaks the protocol is ended", async (t) => {
  const engine = await EngineClient.start(launch);
  engine.process.send({ op: "nonsense", id: 99 });
  const { signal } = await engine.process.ended;
  t.ok(signal !== null || !engine.alive);
});

t.test("engines are kept warm for their scenario and never serve another", async (t) => {
  await using pool = new EnginePool({ confinement: "process", threads: 1, idleLimit: 2 });
  const first = await pool.acquire(needs(scenario("one")));
  const second = await pool.acquire(needs(scenario("one")));
  t.not(first.process.pid, second.process.pid, "two jobs at once have two engines");
  pool.release(needs(scenario("one")), first);
  t.equal((await pool.acquire(needs(scenario("one")))).process.pid, first.process.pid, "warm");
  pool.release(needs(scenario("one")), first);
  const other = await pool.acquire(needs(scenario("two")));
  t.not(other.process.pid, first.process.pid, "another scenario has its own");
  const rows = await pool.acquire(needs(scenario("one", { visibility: "rows" })));
  t.not(rows.process.pid, first.process.pid, "a changed scenario is another");
  pool.release(needs(scenario("one", { visibility: "rows" })), rows);
  pool.release(needs(scenario("two")), other);
  await first.process.ended;
  t.notOk(first.alive, "the one that was used longest ago makes room");
});

t.test("an engine that died is not handed out again", async (t) => {
  await using pool = new EnginePool({ confinement: "process", threads: 1, idleLimit: 2 });
  const engine = await pool.acquire(needs(scenario("one")));
  const pid = engine.process.pid!;
  pool.release(needs(scenario("one")), engine);
  process.kill(pid, "SIGKILL");
  await engine.process.ended;
  t.not((await pool.acquire(needs(scenario("one")))).process.pid, pid);
});

t.test("a product that cannot be mounted has a code, and its engine is gone", async (t) => {
  await using pool = new EnginePool({ confinement: "process", threads: 1, idleLimit: 2 });
  const missing = {
    id: "p",
    version: "pv_1",
    directory: "/nonexistent",
    rowCount: 1,
    columns: [
      { name: "a", role: "public" as const, grade: "L1" as const, type: "INTEGER", nullCount: 0, approxDistinct: 1 },
    ],
    files: [{ path: "a.arrow", columns: ["a"], bytes: 10, digest: `sha256:${"0".repeat(64)}` }],
  };
  await t.rejects(pool.acquire(needs(scenario("one", { products: [missing] }))), { code: "product_unavailable" });
});

t.test("a script for a process that has just ended is refused, and nothing else breaks", async (t) => {
  const isolate = await IsolateClient.start(launch);
  isolate.process.kill();
  const limits = DEFAULT_ISOLATE_LIMITS;
  const message = { op: "run" as const, script: "", parameters: {}, nowMs: 0, seed: 0, limits };
  const listeners = { onQuery: () => undefined, onLog: () => undefined, onOutput: () => undefined };
  await t.rejects(isolate.run(message, listeners), { code: "process_failed" });
  await isolate.process.ended;
  // an unhandled rejection would end this test here
  await new Promise((resolve) => setTimeout(resolve, 50));
});

t.test("a process that has served long enough is replaced", async (t) => {
  await using pool = new SparePool({ start: () => IsolateClient.start(launch), idleLimit: 1, maxUses: 2 });
  const first = await pool.acquire("one");
  pool.release("one", first);
  t.equal(await pool.acquire("one"), first);
  pool.release("one", first);
  await first.process.ended;
  t.not((await pool.acquire("one")).process.pid, first.process.pid);
});

t.test("isolate processes belong to one scenario, and all are gone in the end", async (t) => {
  const pool = new SparePool({ start: () => IsolateClient.start(launch), idleLimit: 1 });
  pool.warm();
  const one = await pool.acquire("one");
  pool.release("one", one);
  const two = await pool.acquire("two");
  t.not(two.process.pid, one.process.pid);
  t.equal((await pool.acquire("one")).process.pid, one.process.pid);
  const pids = [one.process.pid!, two.process.pid!];
  await pool[Symbol.asyncDispose]();
  for (const pid of pids) t.notOk(alive(pid));
});
