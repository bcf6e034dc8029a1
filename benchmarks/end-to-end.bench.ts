/**
 * Milliseconds from submit to release of a safe aggregate, through HTTP, control plane, runner, engine, evidence,
 * rules, policies, audit log and quarantine, beside the same SQL on raw DuckDB in this process; and what each stage
 * took. The embedded database, with its flushes.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance, version } from "@duckdb/node-api";
import { createClient } from "#client/index.ts";
import { readConfig } from "#config/index.ts";
import type { Space } from "#contract/space.ts";
import { createDevelopmentIssuer } from "#identity/index.ts";
import { startServer } from "../src/bin/serve.ts";
import { applySpace } from "../test/end-to-end/apply-space.ts";
import { runBenchmark } from "./bench.ts";

// --people=5000 shows what a job costs beside its query
const PEOPLE = Number(/--people=(\d+)/.exec(process.argv.join(" "))?.[1] ?? 1_000_000);
// --threads=1 shows what a job that is alone has of the other processors
const THREADS = /--threads=(\d+)/.exec(process.argv.join(" "))?.[1];
/** Ten a second. */
const PUBLISH_TRIES = 600;
let asked = 0;
/** Asks about other rows each time: an engine knows the cells of a question that was asked before. */
const question = (): string =>
  `select district, count(*) as n, avg(income) as income from people where age_group <> 'x${(asked += 1)}' group by district`;

const directory = mkdtempSync(join(tmpdir(), "sluice-bench-"));
const sources = join(directory, "sources");
const raw = await DuckDBInstance.create(":memory:");
const connection = await raw.connect();
await connection.run(`create table people as select i as id, 'district ' || (i % 12) as district,
  'g' || (i % 7) as age_group, (20000 + (i * 7919) % 180000)::integer as income from range(${PEOPLE}) t(i)`);
mkdirSync(sources);
await connection.run(`copy people to '${join(sources, "people.parquet")}'`);

const space: Space = {
  space: "bench",
  organisations: [
    { id: "bureau", kind: "implementing_body" },
    { id: "op", kind: "operator" },
    { id: "acme", kind: "developer" },
  ],
  headAgreement: { operator: "op", number: "HA-1", validFrom: "2020-01-01", validTo: "2099-12-31" },
  products: [
    {
      id: "people",
      source: { path: join(sources, "people.parquet") },
      subjectKey: "id",
      grade: "L3",
      columns: [
        { name: "id", role: "subject_key", grade: "L3" },
        { name: "district", role: "dimension", grade: "L1" },
        { name: "age_group", role: "dimension", grade: "L1" },
        { name: "income", role: "measure", grade: "L3", bounds: [0, 1_000_000] },
      ],
    },
  ],
  scenarios: [
    {
      id: "bench",
      developer: "acme",
      purpose: "benchmark",
      products: ["people"],
      expertOpinion: { issuer: "x", number: "EO-1", date: "2026-01-01" },
      agreement: { number: "CA-1", validFrom: "2020-01-01", validTo: "2099-12-31" },
      opinion: {
        number: "PO-1",
        profile: "controlled",
        outputs: ["statistical_report"],
        recipients: ["acme"],
        autoRelease: true,
      },
    },
  ],
};

const threads = THREADS === undefined ? {} : { SLUICE_RUNNER_THREADS: THREADS };
const env = { SLUICE_LOG_LEVEL: "silent", SLUICE_RATE_LIMIT: "1000000", ...threads };
const data = join(directory, "data");
const server = await startServer(
  readConfig(env, { development: true, dataDirectory: data, port: 0, sourceRoots: [sources] }),
);
try {
  const issuer = await createDevelopmentIssuer(data);
  const client = async (organisation: string, role: "operator" | "developer") =>
    createClient({
      url: server.url,
      token: await issuer.issueToken({ subject: role, organisation, roles: [role], lifetimeSeconds: 3600 }),
    });
  const operator = await client("op", "operator");
  await applySpace(operator, space, PUBLISH_TRIES);
  const acme = await client("acme", "developer");
  const submit = async (sql: string) => {
    const job = await acme.jobs.submit({ scenario: "bench", image: "sql@1", sql }, { waitSeconds: 60 });
    if (job.egress.verdict !== "release") throw new Error(`${job.state} ${job.reasonCode} ${job.egress.verdict}`);
  };
  let before: Record<string, number> = {};
  const details: Record<string, number> = {};
  await submit(question());
  before = await stageSums(server.url);
  await runBenchmark({
    name: `end-to-end: submit to release, ${PEOPLE} people, 12 cells`,
    versions: { duckdb: version() },
    measurements: [
      { name: "raw DuckDB, in-memory table", isReference: true, run: async () => connection.runAndReadAll(question()) },
      { name: "Sluice, submit to release over HTTP", run: async () => submit(question()) },
    ],
    details: () => details,
    after: async () => {
      const after = await stageSums(server.url);
      const jobs = after["wall_count"]! - before["wall_count"]!;
      for (const [stage, seconds] of Object.entries(after)) {
        if (!stage.endsWith("_count"))
          details[`mean ms in ${stage}`] = (1000 * (seconds - (before[stage] ?? 0))) / jobs;
      }
    },
  });
} finally {
  await server.close();
  connection.closeSync();
  rmSync(directory, { recursive: true, force: true });
}

/** Seconds that all jobs spent in each stage so far. */
async function stageSums(url: string): Promise<Record<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const sums: Record<string, number> = {};
  for (const [, kind, stage, value] of text.matchAll(
    /^sluice_job_stage_seconds_(sum|count)\{stage="(\w+)"\} (\S+)$/gm,
  )) {
    sums[kind === "sum" ? stage! : `${stage}_count`] = Number(value);
  }
  return sums;
}
