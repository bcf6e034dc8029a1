/**
 * Ingest into Arrow files: flights-3m (3,000,000 rows of Parquet, from npm's vega-datasets) beside DuckDB's `CREATE
 * TABLE AS SELECT` from the same file into a database file of its own (durable, as the ingest is) and into memory, in the same run with
 * as many threads; and a generated product with a subject key, whose keys become ordinals, beside itself without one.
 * `--large` adds 20 million rows in a process of their own with 1 GiB, and what that held at its peak.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DuckDBInstance, version } from "@duckdb/node-api";
import type { ProductSpec } from "#contract/product.ts";
import { ingestProduct } from "#engine/ingest/index.ts";
import { ConfinedProcess } from "../src/runner/confined-process.ts";
import { runBenchmark } from "./bench.ts";

const SOURCE = resolve(import.meta.dirname, "../node_modules/vega-datasets/data/flights-3m.parquet");
const ROWS = 3_000_000;
const SUBJECT_ROWS = 4_000_000;
const SUBJECTS = 1_000_000;
const LARGE_ROWS = 20_000_000;
const MEMORY_BYTES = 1024 ** 3;
const THREADS = String(Math.min(8, availableParallelism()));
const FLIGHTS: ProductSpec = {
  id: "flights",
  source: { path: SOURCE },
  grade: "L1",
  columns: [
    { name: "date", role: "dimension", grade: "L1" },
    { name: "origin", role: "dimension", grade: "L1" },
    { name: "destination", role: "dimension", grade: "L1" },
    { name: "delay", role: "measure", grade: "L1" },
    { name: "distance", role: "measure", grade: "L1" },
  ],
};

const directory = await mkdtemp(join(tmpdir(), "sluice-ingest-bench-"));
const few = join(directory, "few.parquet");
let turn = 0;
try {
  await generate(few, { rows: SUBJECT_ROWS, key: `(i * 7919) % ${SUBJECTS}` });
  const report = await runBenchmark({
    name: "ingest",
    versions: { duckdb: version() },
    measurements: [
      measure("DuckDB CREATE TABLE AS (database file), flights", async () => createTable(SOURCE), true),
      measure("DuckDB CREATE TABLE AS (in memory), flights", async () => createTableAt(":memory:", SOURCE)),
      measure("ingest, flights", async () => ingest(FLIGHTS)),
      measure("DuckDB CREATE TABLE AS (database file), people", async () => createTable(few)),
      measure("ingest without a subject key, people", async () => ingest(peopleSpec(few, false))),
      measure("ingest with a subject key, people", async () => ingest(peopleSpec(few, true))),
    ],
    details: () => ({
      "rows of flights": ROWS,
      "rows of people": SUBJECT_ROWS,
      "people in them": SUBJECTS,
      "peak memory of this process, MB": Math.round(process.resourceUsage().maxRSS / 1024),
    }),
  });
  if (!process.argv.includes("--json")) {
    for (const { name, medianMs } of report.figures) {
      const rows = name.includes("flights") ? ROWS : SUBJECT_ROWS;
      console.log(`${name}: ${Math.round(rows / (medianMs / 1000)).toLocaleString("en")} rows/s`);
    }
  }
  if (process.argv.includes("--large")) await measureLarge();
} finally {
  await rm(directory, { recursive: true, force: true });
}

function measure(name: string, work: () => Promise<void>, isReference = false) {
  return { name, isReference, warmUpRuns: 1, runs: 5, run: work };
}

function peopleSpec(path: string, hasSubject: boolean): ProductSpec {
  return {
    id: "people",
    source: { path },
    grade: "L3",
    ...(hasSubject ? { subjectKey: "person" } : {}),
    columns: [
      { name: "person", role: hasSubject ? "subject_key" : "identifier", grade: "L3" },
      { name: "district", role: "dimension", grade: "L1" },
      { name: "income", role: "measure", grade: "L3" },
    ],
  };
}

async function generate(path: string, { rows, key }: { rows: number; key: string }): Promise<void> {
  await run(":memory:", [
    `COPY (SELECT ${key} AS person, 'district ' || (i % 12) AS district, (i * 7919) % 180000 AS income
       FROM range(${rows}) r(i)) TO '${path}' (FORMAT parquet)`,
  ]);
}

async function ingest(spec: ProductSpec): Promise<void> {
  const target = join(directory, `version-${(turn += 1)}`);
  // a registry of its own each time: every key is new
  const subjectsDirectory = join(directory, `subjects-${turn}`);
  await ingestProduct({ spec, directory: target, subjectsDirectory });
  for (const path of [target, subjectsDirectory]) await rm(path, { recursive: true, force: true });
}

async function createTable(source: string): Promise<void> {
  const path = join(directory, `table-${(turn += 1)}.duckdb`);
  await createTableAt(path, source);
  await rm(path);
}

async function createTableAt(path: string, source: string): Promise<void> {
  const create = `CREATE TABLE copied AS SELECT * FROM read_parquet('${source}')`;
  await run(path, path === ":memory:" ? [create] : [create, "CHECKPOINT"]);
}

async function run(path: string, statements: readonly string[]): Promise<void> {
  const instance = await DuckDBInstance.create(path, { threads: THREADS });
  const connection = await instance.connect();
  for (const statement of statements) await connection.run(statement);
  connection.closeSync();
  instance.closeSync();
}

/** The ingest process as the runner starts it, without a box: its peak is read from outside. */
async function measureLarge(): Promise<void> {
  const keys = { "1 M people": `(i * 7919) % ${SUBJECTS}`, "20 M people": "'person ' || ((i * 7919) % 20000003)" };
  for (const [name, key] of Object.entries(keys)) {
    const source = join(directory, "large.parquet");
    await generate(source, { rows: LARGE_ROWS, key });
    const started = performance.now();
    await using process = await ConfinedProcess.start({
      role: "ingest",
      readOnly: [source],
      memoryBytes: MEMORY_BYTES,
      confinement: "process",
    });
    let peakBytes = 0;
    const watch = setInterval(() => (peakBytes = Math.max(peakBytes, process.usage().peakMemoryBytes)), 100);
    const done = new Promise<boolean>((settle) => {
      process.onFrame(({ header }) => header["op"] === "ingested" && settle(header["ok"] === true));
      process.onEnd(() => settle(false));
    });
    const target = join(directory, `large-${(turn += 1)}`);
    const subjectsDirectory = `${target}-subjects`;
    const spec = peopleSpec(source, true);
    process.send({ op: "ingest", id: 1, spec, directory: target, subjectsDirectory, memoryBytes: MEMORY_BYTES });
    const ok = await done;
    clearInterval(watch);
    if (!ok) throw new Error("the large ingest failed");
    const seconds = (performance.now() - started) / 1000;
    const peak = Math.round(peakBytes / 1024 ** 2);
    console.log(`20 M rows, ${name}: ${seconds.toFixed(1)} s, ${peak} MiB at its peak`);
    for (const path of [source, target, subjectsDirectory]) await rm(path, { recursive: true, force: true });
  }
}
