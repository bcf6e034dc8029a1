/**
 * Ingest of flights-3m (3,000,000 rows of Parquet, from npm's vega-datasets) into Arrow files, beside DuckDB's
 * `CREATE TABLE AS SELECT` from the same file into a database file of its own (durable, as the ingest is) and into
 * memory, in the same run with as many threads.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DuckDBInstance, version } from "@duckdb/node-api";
import type { ProductSpec } from "#contract/product.ts";
import { ingestProduct } from "#engine/ingest/index.ts";
import { runBenchmark } from "./bench.ts";

const SOURCE = resolve(import.meta.dirname, "../node_modules/vega-datasets/data/flights-3m.parquet");
const ROWS = 3_000_000;
const THREADS = String(Math.min(8, availableParallelism()));
const SPEC: ProductSpec = {
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
let turn = 0;
try {
  const report = await runBenchmark(
    {
      name: "ingest",
      versions: { duckdb: version() },
      measurements: [
        { name: "DuckDB CREATE TABLE AS (database file)", isReference: true, warmUpRuns: 1, runs: 5, run: createTable },
        { name: "DuckDB CREATE TABLE AS (in memory)", warmUpRuns: 1, runs: 5, run: createTableInMemory },
        { name: "ingest to Arrow files", warmUpRuns: 1, runs: 5, run: ingest },
      ],
      details: () => ({ rows: ROWS, peakMemoryMegabytes: Math.round(process.resourceUsage().maxRSS / 1024) }),
    },
    process.argv.slice(2),
  );
  if (!process.argv.includes("--json")) {
    for (const { name, medianMs } of report.figures) {
      console.log(`${name}: ${Math.round(ROWS / (medianMs / 1000)).toLocaleString("en")} rows/s`);
    }
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}

async function ingest(): Promise<void> {
  const target = join(directory, `version-${(turn += 1)}`);
  await ingestProduct({ spec: SPEC, directory: target });
  await rm(target, { recursive: true });
}

async function createTable(): Promise<void> {
  const path = join(directory, `table-${(turn += 1)}.duckdb`);
  await createTableAt(path);
  await rm(path);
}

async function createTableInMemory(): Promise<void> {
  await createTableAt(":memory:");
}

async function createTableAt(path: string): Promise<void> {
  const instance = await DuckDBInstance.create(path, { threads: THREADS });
  const connection = await instance.connect();
  await connection.run(`CREATE TABLE flights AS SELECT * FROM read_parquet('${SOURCE}')`);
  if (path !== ":memory:") await connection.run("CHECKPOINT");
  connection.closeSync();
  instance.closeSync();
}
