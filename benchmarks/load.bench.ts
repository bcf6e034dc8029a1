/**
 * Jobs per second and milliseconds from submit to release under load: 10, 50 and 200 clients of twenty organisations,
 * some busier than others, on both databases, all questions new and every other asked before; how evenly the
 * organisations were served (Jain's index), what the processes used. In the same run: the same queries on raw DuckDB in this process (the limit), and as tasks of a queue
 * library on the same PostgreSQL.
 *
 *     --people=5000   --seconds=4   --clients=10,50   --databases=postgres   --places=2   --json
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { DuckDBInstance } from "@duckdb/node-api";
import pg from "pg";
import { createClient } from "#client/index.ts";
import { createDevelopmentIssuer } from "#identity/index.ts";
import { applySpace } from "../test/end-to-end/apply-space.ts";
import { startServeProcess } from "../test/end-to-end/serve-process.ts";
import { findPostgres, startPostgres } from "../test/persistence/postgres-cluster.ts";
import type { LoadOrder, LoadResult } from "./load/clients-process.ts";
import { cpuOfPostgres, findBelow, useBelow, useOf } from "./load/process-tree.ts";
import { runQueueLibrary } from "./load/queue-library.ts";
import { type LoadFigure, printFigures } from "./load/report.ts";
import { clientsByOrganisation, loadSpace, organisationOf, peopleTable, queryOf, scenarioOf } from "./load/town.ts";

const option = (name: string, fallback: string) =>
  new RegExp(`--${name}=(\\S+)`).exec(process.argv.join(" "))?.[1] ?? fallback;
const PEOPLE = Number(option("people", "1000000"));
const MEASURE_MS = Number(option("seconds", "10")) * 1000;
const CLIENTS = option("clients", "10,50,200").split(",").map(Number);
const DATABASES = option("databases", "embedded,postgres").split(",");
/** Ten a second. */
const PUBLISH_TRIES = 600;
const PLACES = Number(option("places", "2"));

const directory = mkdtempSync(join(tmpdir(), "sluice-load-"));
const sources = join(directory, "sources");
mkdirSync(sources);
const binaries = findPostgres();
const cluster =
  binaries && DATABASES.includes("postgres") ? await startPostgres(binaries, { durable: true }) : undefined;
const figures: LoadFigure[] = [];
try {
  const raw = await DuckDBInstance.create(":memory:", { threads: "2" });
  const connection = await raw.connect();
  await connection.run(peopleTable(PEOPLE));
  await connection.run(`copy people to '${join(sources, "people.parquet")}'`);
  figures.push(await rawFigure());
  for (const kind of DATABASES) {
    if (kind === "postgres" && !cluster) console.error("PostgreSQL is not installed: its half is left out");
    else figures.push(...(await serverFigures(kind)));
  }
  if (cluster) for (const clients of CLIENTS) figures.push(await queueFigure(cluster.url("tasks"), clients));
  printFigures(figures, { people: PEOPLE, json: process.argv.includes("--json") });
  connection.closeSync();

  async function rawFigure(): Promise<LoadFigure> {
    for (let i = 0; i < 10; i++) await connection.runAndReadAll(queryOf(i));
    const latenciesMs: number[] = [];
    const before = process.cpuUsage();
    const endMs = performance.now() + MEASURE_MS;
    for (let n = 0; performance.now() < endMs; n++) {
      const startedMs = performance.now();
      await connection.runAndReadAll(queryOf(n));
      latenciesMs.push(performance.now() - startedMs);
    }
    const { user, system } = process.cpuUsage(before);
    const cpuMs = { engine: (user + system) / 1000 / latenciesMs.length };
    return {
      name: "raw DuckDB, in-process, two threads",
      isReference: true,
      clients: 1,
      measuredMs: MEASURE_MS,
      latenciesMs,
      cpuMs,
    };
  }
} finally {
  await cluster?.stop();
  rmSync(directory, { recursive: true, force: true });
}

async function queueFigure(url: string, clients: number): Promise<LoadFigure> {
  const before = process.cpuUsage();
  const serverBefore = cpuOfPostgres(process.pid);
  await createDatabase("tasks");
  const order = { url, people: PEOPLE, clients, concurrency: PLACES, measureMs: MEASURE_MS };
  const { latenciesMs } = await runQueueLibrary(order);
  const { user, system } = process.cpuUsage(before);
  const each = (ms: number) => ms / latenciesMs.length;
  const cpuMs = { worker: each((user + system) / 1000), postgres: each(cpuOfPostgres(process.pid) - serverBefore) };
  return { name: "graphile-worker", clients, measuredMs: MEASURE_MS, latenciesMs, cpuMs };
}

async function createDatabase(name: string): Promise<void> {
  const client = new pg.Client({ connectionString: cluster!.url("postgres") });
  await client.connect();
  await client.query(`drop database if exists ${name} with (force)`);
  await client.query(`create database ${name} template template0`);
  await client.end();
}

async function serverFigures(kind: string): Promise<LoadFigure[]> {
  const home = join(directory, kind);
  mkdirSync(home);
  if (kind === "postgres") await createDatabase("sluice");
  const env = {
    SLUICE_LOG_LEVEL: "warn",
    SLUICE_RATE_LIMIT: "1000000",
    SLUICE_RUNNER_JOBS: String(PLACES),
    SLUICE_SOURCE_ROOTS: sources,
    ...(kind === "postgres" ? { SLUICE_DATABASE_URL: cluster!.url("sluice") } : {}),
  };
  const log: string[] = [];
  const { child, url } = await startServeProcess({ directory: home, env, log });
  try {
    const issuer = await createDevelopmentIssuer(join(home, "data"));
    const tokenOf = async (organisation: string, role: "operator" | "developer") =>
      issuer.issueToken({ subject: role, organisation, roles: [role], lifetimeSeconds: 7200 });
    await applySpace(
      createClient({ url, token: await tokenOf("op", "operator"), timeoutMs: 300_000 }),
      loadSpace(join(sources, "people.parquet")),
      PUBLISH_TRIES,
    );
    await warm(url, tokenOf);
    const measured: LoadFigure[] = [];
    for (const [phase, clients] of CLIENTS.entries()) {
      for (const halfKnown of [false, true]) {
        const from = (2 * phase + (halfKnown ? 2 : 1)) * 100_000;
        measured.push(await measure({ kind, url, pid: child.pid!, clients, from, halfKnown, tokenOf }));
      }
    }
    return measured;
  } finally {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await ended;
    for (const line of log.filter((entry) => /"level":[56]0/.test(entry)).slice(0, 5)) console.error(line);
  }
}

type TokenOf = (organisation: string, role: "operator" | "developer") => Promise<string>;

/** Starts the engines of every scenario, as many as can run at once, as a day's first jobs would. */
async function warm(url: string, tokenOf: TokenOf): Promise<void> {
  for (const [index] of clientsByOrganisation(20).entries()) {
    const organisation = organisationOf(index);
    const client = createClient({ url, token: await tokenOf(organisation, "developer"), timeoutMs: 300_000 });
    const job = { scenario: scenarioOf(organisation), image: "sql@1", sql: queryOf(index) };
    const first = Array.from({ length: PLACES }, async () => client.jobs.submit(job, { waitSeconds: 60 }));
    for (const { state, reasonCode, egress } of await Promise.all(first)) {
      if (!egress.verdict.startsWith("release")) throw new Error(`${state} ${reasonCode} ${egress.verdict}`);
    }
  }
}

interface Phase {
  kind: string;
  url: string;
  pid: number;
  clients: number;
  from: number;
  halfKnown: boolean;
  tokenOf: TokenOf;
}

async function measure({ kind, url, pid, clients, from, halfKnown, tokenOf }: Phase): Promise<LoadFigure> {
  const people: LoadOrder["clients"] = [];
  for (const [index, count] of clientsByOrganisation(clients).entries()) {
    const organisation = organisationOf(index);
    const token = await tokenOf(organisation, "developer");
    for (let i = 0; i < count; i++) people.push({ organisation, token });
  }
  const runner = findBelow(pid, "bin/runner.ts");
  const now = () => ({
    "control plane": useOf(pid).cpuMs,
    runner: useOf(runner).cpuMs,
    engines: useBelow(runner).cpuMs,
    ...(kind === "postgres" ? { postgres: cpuOfPostgres(process.pid) } : {}),
  });
  const before = now();
  const done = await runClients({ url, clients: people, warmUpMs: 1000, measureMs: MEASURE_MS, from, halfKnown });
  const cpuMs = Object.fromEntries(
    Object.entries(now()).map(([name, ms]) => [name, (ms - (before as Record<string, number>)[name]!) / done.total]),
  );
  const residentBytes = { "control plane": useOf(pid).residentBytes, runner: useOf(runner).residentBytes };
  const mix = halfKnown ? ", half asked before" : "";
  return { name: `Sluice on ${kind}${mix}`, clients, cpuMs, residentBytes, ...done };
}

async function runClients(order: LoadOrder): Promise<LoadResult> {
  const file = join(import.meta.dirname, "load/clients-process.ts");
  const child = spawn(process.execPath, ["--no-node-snapshot", file], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(JSON.stringify(order));
  return JSON.parse(await text(child.stdout)) as LoadResult;
}
