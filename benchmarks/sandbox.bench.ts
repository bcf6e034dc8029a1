/**
 * What the sandbox costs: cold and warm start of a SQL and of a JavaScript job on the runner, under the strongest
 * confinement that this machine has and without any, beside a bare Node process and a bare isolate; and how long after
 * its limit a hanging job is gone, with all of its processes. No control plane takes part.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance, version } from "@duckdb/node-api";
import ivm from "isolated-vm";
import type { MountedProduct } from "#contract/engine.ts";
import type { JobOffer } from "#contract/runner.ts";
import { loadPolicyBundle } from "#policy/index.ts";
import { createRunnerProcesses, detectConfinement } from "#runner/index.ts";
import { descendantsOf } from "../src/runner/confinement/index.ts";
import type { RunnerProcesses } from "../src/runner/processes.ts";
import { runJob } from "../src/runner/run-job.ts";
import { writeProduct } from "../test/engine/native/products.ts";
import { isAlive } from "../test/tooling/is-alive.ts";
import { anotherProfile, runBenchmark, summarise } from "./bench.ts";

const ROWS = 10_000;
const SQL = "SELECT district, count(*) AS n, avg(income) AS income FROM people GROUP BY district";
const ROLES = { person: "subject_key", district: "dimension", income: "measure" } as const;
const MEMORY = 1024 ** 3;
const WALL_MS = 200;
const RUNS = { cold: 15, warm: 200, hang: 20 };

const directory = mkdtempSync(join(tmpdir(), "sluice-bench-"));
const raw = await DuckDBInstance.create(":memory:", { threads: "2" });
const connection = await raw.connect();
const product = await publish();
const profile = loadPolicyBundle("policies").profiles.get("controlled")!;
const { confinement, refusals } = await detectConfinement({
  accepted: ["bubblewrap", "landlock"],
  controlGroup: "preferred",
});
if (!confinement) throw new Error(`no confinement here: ${refusals.join("; ")}`);
const processes = {
  confined: createRunnerProcesses({ confinement, threads: 2, memoryBytes: MEMORY, idleLimit: 2 }),
  plain: createRunnerProcesses({ confinement: "process", threads: 2, memoryBytes: MEMORY, idleLimit: 2 }),
};
const leftToEnd: PromiseLike<void>[] = [];
const endOthers = async (): Promise<void> => void (await Promise.all(leftToEnd.splice(0)));
/** What a warm job took besides its engine's query. */
const besides: Record<string, number[]> = {};
/** What each of its stages took. */
const stagesOf: Record<string, number[]> = {};
const details: Record<string, number> = {};
const script = (text: string) => ({ image: "javascript@1", script: text });
const ONE_QUERY = script(`output.table("districts", await sql("${SQL}"));`);
const NO_QUERY = script('output.json("answer", 42);');

try {
  await runBenchmark({
    name: `sandbox: ${confinement}, ${ROWS} rows, ${(await connection.runAndReadAll(SQL)).currentRowCount} cells`,
    versions: { duckdb: version() },
    measurements: [
      {
        name: "bare node process, start to end",
        isReference: true,
        warmUpRuns: 2,
        runs: RUNS.cold,
        prepare: endOthers,
        run: bareNode,
      },
      ...(["confined", "plain"] as const).flatMap((kind) => [
        {
          name: `cold SQL job, ${kind}`,
          warmUpRuns: 1,
          runs: RUNS.cold,
          prepare: endOthers,
          run: cold(kind, { sql: SQL }),
        },
        {
          name: `cold JavaScript job, ${kind}`,
          warmUpRuns: 1,
          runs: RUNS.cold,
          prepare: endOthers,
          run: cold(kind, ONE_QUERY),
        },
      ]),
      { name: "raw DuckDB, in-memory table", runs: RUNS.warm, run: async () => connection.runAndReadAll(SQL) },
      { name: "bare isolate, made, run and disposed", runs: RUNS.warm, run: bareIsolate },
      ...(["confined", "plain"] as const).flatMap((kind) => [
        warm(`warm SQL job, ${kind}`, kind, { sql: SQL }),
        warm(`warm JavaScript job with one query, ${kind}`, kind, ONE_QUERY),
        warm(`warm JavaScript job without a query, ${kind}`, kind, NO_QUERY),
      ]),
    ],
    after: measureHangs,
    details: () => besidesQueries(),
  });
} finally {
  await Promise.all(Object.values(processes).map((each) => each[Symbol.asyncDispose]()));
  connection.closeSync();
  rmSync(directory, { recursive: true, force: true });
}

async function publish(): Promise<MountedProduct> {
  await connection.run(`CREATE TABLE people AS SELECT i::UINTEGER AS person, 'district ' || (i % 12) AS district,
    (20000 + (i * 7919) % 180000)::DOUBLE AS income FROM range(${ROWS}) r(i)`);
  const written = await writeProduct(connection, { id: "people", relation: "people", directory });
  const columns = written.columns.map((column) => {
    return { ...column, role: ROLES[column.name as keyof typeof ROLES], grade: "L3" as const };
  });
  return { ...written, subjectKey: "person", columns };
}

function offerOf(job: Partial<JobOffer["job"]>, scenario = "bench", wallMs = 60_000): JobOffer {
  const constant = {
    imageDigest: `sha256:${"0".repeat(64)}`,
    parameters: {},
    mode: "run",
    class: "interactive",
  } as const;
  return {
    kind: "job",
    lease: "lease_1",
    job: { id: "job_1", image: "sql@1", submittedAtMs: Date.now(), ...constant, ...job },
    scenario: { id: scenario, visibility: "aggregates", joins: [], products: [product] },
    profile: anotherProfile(profile),
    noiseKey: "00".repeat(32),
    limits: { wallMs, memoryBytes: MEMORY, maxRows: 10_000, maxBytes: 1 << 23 },
  };
}

async function runOne(on: RunnerProcesses, offer: JobOffer) {
  const { report } = await runJob({ offer, processes: on, cancel: new AbortController().signal });
  if (report.state !== "succeeded") throw new Error(`the job failed: ${report.reasonCode}`);
  return report;
}

/** A runner that has just started, with nothing warm. */
function cold(kind: keyof typeof processes, job: Partial<JobOffer["job"]>) {
  return async () => {
    const fresh = createRunnerProcesses({
      confinement: processes[kind].confinement,
      threads: 2,
      memoryBytes: MEMORY,
      idleLimit: 0,
    });
    const report = await runOne(fresh, offerOf(job));
    // ending the runner is not the job's
    leftToEnd.push(fresh[Symbol.asyncDispose]());
    return report;
  };
}

function warm(name: string, kind: keyof typeof processes, job: Partial<JobOffer["job"]>) {
  besides[name] = [];
  const run = async () => {
    const started = performance.now();
    const { stages } = await runOne(processes[kind], offerOf(job));
    besides[name]!.push(performance.now() - started - (stages["query"] ?? 0));
    for (const stage of ["gate", "query", "rules", "encode"])
      (stagesOf[`${name}: ms in ${stage}, p50`] ??= []).push(stages[stage] ?? 0);
  };
  return { name, runs: RUNS.warm, prepare: endOthers, run };
}

function besidesQueries(): Record<string, number> {
  const entries = Object.entries(besides).flatMap(([name, times]) => {
    const { p50Ms, p99Ms } = summarise(times);
    return [
      [`${name}: ms besides its query, p50`, p50Ms] as const,
      [`${name}: ms besides its query, p99`, p99Ms] as const,
    ];
  });
  const p50 = (name: string) => summarise(besides[name]!).p50Ms;
  const added = ["warm SQL job", "warm JavaScript job with one query"].map((name) => {
    return [`${name}: confined / plain, besides its query`, p50(`${name}, confined`) / p50(`${name}, plain`)] as const;
  });
  const stages = Object.entries(stagesOf).flatMap(([name, times]) =>
    name.startsWith("warm SQL job, confined") ? [[name, summarise(times).p50Ms] as const] : [],
  );
  return Object.fromEntries([...entries, ...stages, ...added, ...Object.entries(details)]);
}

/** Milliseconds from the limit of a script that loops for ever until no process of the job is left. */
async function measureHangs(): Promise<void> {
  await endOthers();
  for (const kind of ["confined", "plain"] as const) {
    const times: number[] = [];
    for (let i = 0; i < RUNS.hang; i++) times.push(await hangOnce(processes[kind], `hang-${i}`));
    const { p50Ms, p99Ms } = summarise(times);
    details[`limit to all gone, ${kind}: ms, p50`] = p50Ms;
    details[`limit to all gone, ${kind}: ms, p99`] = p99Ms;
  }
}

async function hangOnce(on: RunnerProcesses, scenario: string): Promise<number> {
  // warm processes of its own, so that the clock starts at once
  await runOne(on, offerOf(NO_QUERY, scenario));
  const used = await processesOf(on, offerOf(NO_QUERY, scenario));
  const offer = offerOf(script("for (;;);"), scenario, WALL_MS);
  const started = performance.now();
  await runJob({ offer, processes: on, cancel: new AbortController().signal });
  while (used.some(isAlive)) await new Promise((resolve) => setTimeout(resolve, 1));
  return performance.now() - started - WALL_MS;
}

/** The engine and the isolate that the next job of the scenario gets, with all that stands around them. */
async function processesOf(on: RunnerProcesses, { scenario, limits, job }: JobOffer): Promise<number[]> {
  const needs = { scenario, memoryBytes: limits.memoryBytes };
  const engine = await on.engines.acquire(needs);
  on.engines.release(needs, engine);
  const isolates = on.isolatesOf(job.image)!;
  const isolate = await isolates.acquire(scenario.id);
  isolates.release(scenario.id, isolate);
  return [engine.process.pid!, isolate.process.pid!].flatMap((pid) => [pid, ...descendantsOf(pid)]);
}

async function bareNode(): Promise<void> {
  const child = spawn(process.execPath, ["--no-node-snapshot", "-e", "0"], { env: {}, stdio: "ignore" });
  await once(child, "exit");
}

async function bareIsolate(): Promise<void> {
  const isolate = new ivm.Isolate({ memoryLimit: 128 });
  const context = await isolate.createContext();
  await context.eval("1 + 1");
  context.release();
  isolate.dispose();
}
