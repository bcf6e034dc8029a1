/**
 * The scan of mapped Arrow files beside DuckDB's in-memory tables and Parquet, two threads, warm, medians of seven:
 * the 22 TPC-H questions over ten key-shifted copies of scale 0.1 (as many rows as scale 1) and ten scans of
 * flights-3m; the time to attach at three sizes; the memory that a second engine adds; and the speed of writing.
 * All three are in one instance with the same settings (DuckDB's own but for the threads) and take turns, run by run.
 * Needs the data of ../shared/data. `--runs=3` for a shorter look. `--memory-without=statistics_propagation` (any of
 * DuckDB's optimizers) takes from the in-memory tables what the C interface does not give to a table function: what is
 * left of a gap is the scan's own. On a slow or busy machine the comparisons are cut
 * to fewer runs, at least three, so that all is done in eight minutes; the table says how many there were. Processor time is reported too: on a busy machine it is the steadier figure.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { DuckDBConnection } from "@duckdb/node-api";
import type { MountedProduct } from "#contract/engine.ts";
import { mountProducts } from "../src/engine/arrow/mount.ts";
import { buildArrowExtension } from "../src/engine/native/build.ts";
import { openEngine, writeProduct } from "../test/engine/native/products.ts";
import { TPCH_QUERIES } from "../test/engine/native/tpch-queries.ts";
import { TPCH_TABLES, withDictionaries, type TpchTable } from "../test/engine/native/tpch-tables.ts";
import { summarise } from "./bench.ts";

const DATA = fileURLToPath(new URL("../../shared/data", import.meta.url));
const COPIES = 10;
const RUNS = Number(process.argv.find((argument) => argument.startsWith("--runs="))?.slice(7) ?? 7);
const THREADS = 2;
const MEMORY_WITHOUT = process.argv.find((argument) => argument.startsWith("--memory-without="))?.slice(17) ?? "";
/** Since the start of the process; what follows the comparisons takes a minute and a half at most. */
const COMPARISONS_END_MS = 6 * 60_000;
const LEAST_RUNS = 3;
const SOURCES = ["memory", "arrow", "parquet"] as const;
type Source = (typeof SOURCES)[number];

const FLIGHTS: readonly string[] = [
  "SELECT count(*) FROM flights",
  "SELECT avg(delay), max(distance) FROM flights",
  "SELECT origin, count(*), avg(delay) FROM flights GROUP BY origin",
  "SELECT origin, destination, count(*) FROM flights GROUP BY ALL",
  "SELECT month(date), avg(delay) FROM flights GROUP BY ALL",
  "SELECT count(*) FROM flights WHERE delay > 60 AND distance < 500",
  "SELECT count(DISTINCT destination), count(DISTINCT distance) FROM flights",
  "SELECT median(delay) FROM flights WHERE origin IN ('ATL', 'ORD', 'DFW')",
  "SELECT date::DATE, sum(distance) FROM flights WHERE date < '2001-03-01' GROUP BY ALL",
  "SELECT count(*) FROM flights WHERE origin LIKE 'S%' AND destination <> 'LAX'",
];

type Question = readonly [title: string, sql: string];

type Comparison = { query: string; runs: number; wallMs: Record<Source, number>; cpuMs: Record<Source, number> };

async function prepare(connection: DuckDBConnection, directory: string): Promise<MountedProduct[]> {
  for (const source of SOURCES) await connection.run(`CREATE SCHEMA ${source === "memory" ? "tables" : source}`);
  const products: MountedProduct[] = [];
  const flights: TpchTable = { name: "flights", dictionaries: ["origin", "destination"], keys: {} };
  for (const { name, keys, dictionaries } of [...TPCH_TABLES, flights]) {
    const original = name === "flights" ? "us_flights/flights-3m" : `tpch_sf0.1/${name}`;
    const shifted = Object.entries(keys).map(([key, by]) => `(${key} + copy * ${by})::BIGINT AS ${key}`);
    const replace = shifted.length === 0 ? "" : `REPLACE (${shifted.join(", ")})`;
    const copies = shifted.length === 0 ? 1 : COPIES;
    const path = join(directory, `${name}.parquet`);
    await connection.run(`COPY (SELECT * EXCLUDE (copy) ${replace} FROM '${join(DATA, original)}.parquet', range(${copies}) c(copy)
      ORDER BY copy) TO '${path}' (FORMAT parquet)`);
    await connection.run(`CREATE TABLE tables.${name} AS FROM '${path}'`);
    await connection.run(`CREATE VIEW parquet.${name} AS FROM '${path}'`);
    const relation = await withDictionaries(connection, `'${path}'`, dictionaries);
    products.push(await writeProduct(connection, { id: name, relation, directory }));
  }
  return products;
}

/** How far the comparisons have come. */
interface Pace {
  questions: number;
  done: number;
  startedMs: number;
}

async function compare(connection: DuckDBConnection, [query, sql]: Question, pace: Pace): Promise<Comparison> {
  const wall = { memory: [] as number[], arrow: [] as number[], parquet: [] as number[] };
  const cpu = { memory: [] as number[], arrow: [] as number[], parquet: [] as number[] };
  for (let run = -1; run < runsInTime(pace); run++) {
    for (const source of SOURCES) {
      await connection.run(`USE memory.${source === "memory" ? "tables" : source}`);
      await connection.run(`SET disabled_optimizers = '${source === "memory" ? MEMORY_WITHOUT : ""}'`);
      const used = process.cpuUsage();
      const started = performance.now();
      await connection.runAndReadAll(sql);
      if (run < 0) continue;
      wall[source].push(performance.now() - started);
      const { user, system } = process.cpuUsage(used);
      cpu[source].push((user + system) / 1000);
    }
  }
  return { query, runs: wall.arrow.length, wallMs: medians(wall), cpuMs: medians(cpu) };
}

/** All runs as long as the questions that are left would end in time at the pace so far. */
function runsInTime({ questions, done, startedMs }: Pace): number {
  if (done === 0) return RUNS;
  const now = performance.now();
  const expected = ((now - startedMs) / done) * (questions - done);
  return now + expected <= COMPARISONS_END_MS ? RUNS : Math.min(RUNS, LEAST_RUNS);
}

function medians(times: Record<Source, number[]>): Record<Source, number> {
  const of = (source: Source): number => summarise(times[source]).medianMs;
  return { memory: of("memory"), arrow: of("arrow"), parquet: of("parquet") };
}

function geometricMean(values: number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

function ratios(comparisons: Comparison[], clock: "wallMs" | "cpuMs"): Record<string, number> {
  const toMemory = comparisons.map((one) => one[clock].arrow / one[clock].memory);
  const toParquet = comparisons.map((one) => one[clock].parquet / one[clock].arrow);
  return {
    arrowToMemoryGeometricMean: geometricMean(toMemory),
    arrowToMemoryWorst: Math.max(...toMemory),
    parquetToArrowGeometricMean: geometricMean(toParquet),
  };
}

/** Milliseconds to map and register a warm product of so many rows, and to answer the first count. */
async function attachTimes(connection: DuckDBConnection, directory: string): Promise<Record<string, number>> {
  const times: Record<string, number> = {};
  for (const rows of [10_000, 1_000_000, 20_000_000]) {
    const relation = `(SELECT i, i % 1000 AS g, i / 3 AS x FROM range(${rows}) t(i))`;
    const product = await writeProduct(connection, { id: `rows_${rows}`, relation, directory });
    const measured: number[] = [];
    for (let run = -1; run < RUNS; run++) {
      await using engine = await openEngine({ threads: THREADS });
      const started = performance.now();
      await mountProducts(engine.connection, [product], { verified: true });
      if (run >= 0) measured.push(performance.now() - started);
    }
    times[`attach${rows}RowsMs`] = summarise(measured).medianMs;
    await rm(product.directory, { recursive: true });
  }
  return times;
}

async function writeSpeed(connection: DuckDBConnection, directory: string): Promise<Record<string, number>> {
  const relation = `'${join(directory, "lineitem.parquet")}'`;
  const started = performance.now();
  const product = await writeProduct(connection, { id: "speed", relation, directory });
  const written = performance.now();
  await connection.run(`CREATE OR REPLACE TEMP TABLE speed AS FROM ${relation}`);
  const created = performance.now();
  await connection.run("DROP TABLE speed");
  return {
    arrowWriteRowsPerSecond: (product.rowCount / (written - started)) * 1000,
    createTableRowsPerSecond: (product.rowCount / (created - written)) * 1000,
  };
}

/** Proportional set size of a process: pages that others map too count by their share. */
async function pssBytes(pid: number): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1]) * 1024;
}

/** `--engine`: for each line of standard input mount the product that it describes, scan all of it, and say so. */
async function serveEngine(): Promise<void> {
  await using engine = await openEngine({ threads: THREADS });
  for await (const line of createInterface({ input: process.stdin })) {
    const product = JSON.parse(line) as MountedProduct;
    await mountProducts(engine.connection, [product], { verified: true, keepOpen: true });
    const sums = product.columns.map(({ name }) => `sum(hash("${name}")::HUGEINT)`);
    for (const sum of sums) await engine.connection.runAndReadAll(`SELECT ${sum} FROM "${product.id}"`);
    console.log("scanned");
  }
}

type EngineProcess = { child: ChildProcess; pid: number; scan(product: MountedProduct): Promise<void> };

function startEngine(): EngineProcess {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), "--engine"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout });
  return {
    child,
    pid: child.pid!,
    async scan(product) {
      child.stdin.write(`${JSON.stringify(product)}\n`);
      const ended = once(child, "exit").then(() => Promise.reject(new Error("the engine of the benchmark ended")));
      await Promise.race([once(lines, "line"), ended]);
    },
  };
}

/** What both engines use together after the second has scanned the product, less what they used before that. */
async function secondEngine(product: MountedProduct, tiny: MountedProduct): Promise<Record<string, number>> {
  const first = startEngine();
  const second = startEngine();
  try {
    await first.scan(product);
    await second.scan(tiny);
    const before = (await pssBytes(first.pid)) + (await pssBytes(second.pid));
    await second.scan(product);
    const after = (await pssBytes(first.pid)) + (await pssBytes(second.pid));
    const fileBytes = product.files.reduce((sum, file) => sum + file.bytes, 0);
    return { secondEngineAddedBytes: after - before, fileBytes, secondEngineAddedShare: (after - before) / fileBytes };
  } finally {
    first.child.kill();
    second.child.kill();
  }
}

interface Compared {
  comparisons: Comparison[];
  products: MountedProduct[];
  attach: Record<string, number>;
  write: Record<string, number>;
}

async function compareAll(directory: string): Promise<Compared> {
  await using engine = await openEngine({ threads: THREADS });
  const { connection } = engine;
  const products = await prepare(connection, directory);
  await connection.run("USE memory.arrow");
  await mountProducts(connection, products, { verified: true });
  const comparisons: Comparison[] = [];
  const questions = [
    ...TPCH_QUERIES.map((sql, place): Question => [`tpch ${place + 1}`, sql]),
    ...FLIGHTS.map((sql, place): Question => [`flights ${place + 1}`, sql]),
  ];
  const startedMs = performance.now();
  for (const question of questions) {
    const pace = { questions: questions.length, done: comparisons.length, startedMs };
    comparisons.push(await compare(connection, question, pace));
  }
  await connection.run("USE memory.main");
  await connection.run("RESET disabled_optimizers");
  const attach = await attachTimes(connection, directory);
  return { comparisons, products, attach, write: await writeSpeed(connection, directory) };
}

async function measure(directory: string): Promise<Record<string, unknown>> {
  const { comparisons, products, attach, write } = await compareAll(directory);
  const [region, lineitem] = ["region", "lineitem"].map((name) => products.find(({ id }) => id === name)!);
  return {
    benchmark: "arrow-scan",
    node: process.version,
    machine: { cpu: cpus()[0]?.model, cores: cpus().length },
    data: `TPC-H scale 0.1, ${COPIES} key-shifted copies; flights-3m`,
    memoryWithout: MEMORY_WITHOUT,
    wall: ratios(comparisons, "wallMs"),
    cpu: ratios(comparisons, "cpuMs"),
    attach,
    write,
    // only now: as long as the engine above had the files mapped, their pages counted for it too
    memory: await secondEngine(lineitem!, region!),
    seconds: Math.round(performance.now() / 1000),
    comparisons,
  };
}

function print(report: Record<string, unknown>): void {
  const { comparisons, ...rest } = report as { comparisons: Comparison[] } & Record<string, unknown>;
  console.table(
    comparisons.map(({ query, runs, wallMs, cpuMs }) => ({
      query,
      runs,
      "memory ms": wallMs.memory.toFixed(1),
      "arrow ms": wallMs.arrow.toFixed(1),
      "parquet ms": wallMs.parquet.toFixed(1),
      "arrow / memory": (wallMs.arrow / wallMs.memory).toFixed(2),
      "the same, processor": (cpuMs.arrow / cpuMs.memory).toFixed(2),
    })),
  );
  console.log(rest);
}

async function main(): Promise<void> {
  if (!existsSync(DATA)) {
    console.log("arrow-scan: skipped, the data is not on this machine");
    return;
  }
  await buildArrowExtension();
  const directory = await mkdtemp(join(tmpdir(), "sluice-arrow-scan-"));
  try {
    const report = await measure(directory);
    if (process.argv.includes("--json")) console.log(JSON.stringify(report));
    else print(report);
  } finally {
    await rm(directory, { recursive: true });
  }
}

if (process.argv.includes("--engine")) await serveEngine();
else await main();
