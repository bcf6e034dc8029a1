import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import t, { type Test } from "tap";
import { encodeFrame, FrameDecoder } from "#contract/frame.ts";
import { mountProducts } from "#engine/arrow/index.ts";
import { buildArrowExtension } from "../../../src/engine/native/build.ts";
import { openDuckDB } from "../arrow/duckdb.ts";
import { openEngine } from "../native/products.ts";
import { columns, failure, ingest, sourceFile, temporaryDirectory, type Ingested } from "./versions.ts";

const ENTRY = resolve(import.meta.dirname, "../../../src/bin/ingest.ts");
const COLUMNS = columns({ k: "subject_key", v: "measure" });
const PLAN = { subjectKey: "k", columns: COLUMNS };

/** Real key to ordinal; a key with two ordinals fails. */
function ordinals(t: Test, version: Ingested): Map<string, number> {
  const found = new Map<string, number>();
  const numbers = version.values("k").map(Number);
  version.keys().forEach((key, i) => {
    const text = String(key);
    if (found.has(text) && found.get(text) !== numbers[i]) t.fail("a key has two ordinals");
    found.set(text, numbers[i]!);
  });
  return found;
}

function isDense(numbers: Iterable<number>): boolean {
  return [...numbers].toSorted((a, b) => a - b).every((number, i) => number === i);
}

async function parquet(t: Test, sql: string): Promise<{ path: string }> {
  const connection = await openDuckDB(t);
  const path = join(temporaryDirectory(t), "a.parquet");
  await connection.run(`COPY (${sql}) TO '${path}' (FORMAT parquet)`);
  return { path };
}

t.test("equal keys get equal ordinals whatever the format, and other keys others", async (t) => {
  const subjectsDirectory = temporaryDirectory(t);
  const csv = sourceFile(t, "a.csv", "k,v\n7,1\n007,2\n12,3\n-3,4\n7,5\n +7,6\n");
  const json = sourceFile(
    t,
    "a.json",
    JSON.stringify([
      { k: 12, v: 1 },
      { k: 7, v: 2 },
      { k: 99, v: 3 },
    ]),
  );
  const first = await ingest(t, { source: csv, subjectsDirectory, ...PLAN });
  t.equal(first.type("k"), "UINTEGER");
  t.equal(first.manifest.subjectCount, 5);
  const text = ordinals(t, first);
  t.ok(isDense(text.values()), "dense from 0");
  t.equal(new Set(text.values()).size, 5, "7, 007 and +7 are three subjects");
  const second = ordinals(t, await ingest(t, { source: json, subjectsDirectory, ...PLAN }));
  t.equal(second.get("7"), text.get("7"));
  t.equal(second.get("12"), text.get("12"));
  t.equal(second.get("99"), 5, "a new one comes next");
  for (const type of ["BIGINT", "UTINYINT", "DOUBLE", "DECIMAL(10,2)", "VARCHAR", "HUGEINT"]) {
    const sql = `SELECT CAST(k AS ${type}) AS k, 1 AS v FROM (VALUES (7), (12), (99)) t(k)`;
    const version = await ingest(t, { source: await parquet(t, sql), subjectsDirectory, ...PLAN });
    t.same(version.values("k").map(Number), [second.get("7"), second.get("12"), second.get("99")], type);
  }
  const again = await ingest(t, { source: csv, subjectsDirectory, ...PLAN });
  t.same(again.values("k"), first.values("k"), "a second version has the ordinals of the first");
  t.equal(readdirSync(subjectsDirectory).filter((name) => name.startsWith("subjects-")).length, 2);
});

t.test("a key of many values, and columns that are called like ours, are told apart", async (t) => {
  const nested = await parquet(t, "SELECT [1, 2] AS k, 1 AS v");
  t.match(await failure(t, { source: nested, ...PLAN }), { code: "ingest_failed", details: { column: "k" } });
  const named = await parquet(t, "SELECT 1 AS k, 2 AS v, 3 AS key, 4 AS ordinal, 5 AS rowid");
  const roles = { k: "subject_key", key: "measure", ordinal: "measure", rowid: "measure" } as const;
  const version = await ingest(t, { source: named, subjectKey: "k", columns: columns(roles) });
  t.same(
    ["key", "ordinal", "rowid"].map((name) => Number(version.values(name)[0])),
    [3, 4, 5],
  );
});

t.test("the order of ordinals is not the order of the keys, and the registry is its owner's alone", async (t) => {
  const subjectsDirectory = join(temporaryDirectory(t), "governance", "subjects");
  const source = await parquet(t, "SELECT i AS k, i AS v FROM range(200000) t(i)");
  const version = await ingest(t, { source, subjectsDirectory, ...PLAN });
  const numbers = version.values("k").map(Number);
  t.same(version.keys().map(Number).slice(0, 5), [0, 1, 2, 3, 4], "rows keep the order of the source");
  t.ok(isDense(numbers));
  const ascents = numbers.filter((number, i) => i > 0 && number > numbers[i - 1]!).length;
  t.ok(Math.abs(ascents / numbers.length - 0.5) < 0.01, "as often up as down");
  t.equal(statSync(subjectsDirectory).mode & 0o777, 0o700);
  for (const name of ["registry.json", "subjects-00000001.parquet"]) {
    t.equal(statSync(join(subjectsDirectory, name)).mode & 0o777, 0o600, name);
  }
});

t.test("no file that is mounted holds a real key, and no engine opens the file that does", async (t) => {
  await buildArrowExtension();
  const marks = Array.from({ length: 300 }, (_, i) => `REALKEY${i}`);
  const source = sourceFile(t, "a.csv", `k,v\n${marks.map((mark, i) => `${mark},${i}`).join("\n")}\n`);
  const { directory, manifest } = await ingest(t, { source, ...PLAN });
  const holders = manifest.files.filter(({ path }) => readFileSync(join(directory, path)).includes("REALKEY"));
  t.same(
    holders.map(({ path, zone }) => ({ path, zone })),
    [{ path: "subject-key.arrow", zone: "governance" }],
  );
  t.notOk(readFileSync(join(directory, "manifest.json")).includes("REALKEY"));
  // even when a caller lists it: were it opened, its damage would be found
  writeFileSync(join(directory, "subject-key.arrow"), "damaged");
  await using engine = await openEngine();
  const { rowCount, columns: all, files } = manifest;
  const product = { id: "p", version: "v1", directory, rowCount, subjectKey: "k", columns: all, files };
  await mountProducts(engine.connection, [product]);
  const reader = await engine.connection.runAndReadAll("SELECT count(DISTINCT k), any_value(typeof(k)) FROM p");
  t.same(reader.getRows()[0]!.map(String), ["300", "UINTEGER"]);
});

function start(source: { path: string }, directory: string, subjectsDirectory: string) {
  const child = spawn(process.execPath, ["--no-node-snapshot", ENTRY], {
    env: {},
    stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
  });
  const headers: Record<string, unknown>[] = [];
  const decoder = new FrameDecoder();
  (child.stdio[4] as unknown as Readable).on("data", (chunk: Buffer) => {
    headers.push(...decoder.push(chunk).map((frame) => frame.header));
  });
  const input = child.stdio[3] as Writable;
  input.on("error", () => undefined);
  const spec = { id: "x", source, grade: "L1", ...PLAN };
  input.write(Buffer.concat(encodeFrame({ op: "ingest", id: 1, spec, directory, subjectsDirectory })));
  return { child, headers, closed: once(child, "close") };
}

async function registryOf(t: Test, directory: string): Promise<[rows: number, keys: number, most: number]> {
  const connection = await openDuckDB(t);
  const index = JSON.parse(readFileSync(join(directory, "registry.json"), "utf8")) as { segments: { path: string }[] };
  const listed = index.segments.map(({ path }) => `'${join(directory, path)}'`).join(", ");
  const key = "coalesce(text, CAST(number AS VARCHAR))";
  const sql = `SELECT count(*), count(DISTINCT ${key}), max(ordinal) FROM read_parquet([${listed}])`;
  return (await connection.runAndReadAll(sql)).getRows()[0]!.map(Number) as [number, number, number];
}

t.test("ingests at once agree on every subject", async (t) => {
  const subjectsDirectory = temporaryDirectory(t);
  const parent = temporaryDirectory(t);
  const sources = await Promise.all(
    [0, 20_000, 40_000].map((from) => parquet(t, `SELECT i AS k, i AS v FROM range(${from}, ${from + 60_000}) t(i)`)),
  );
  const processes = sources.map((source, i) => start(source, join(parent, `v${i}`), subjectsDirectory));
  const here = sources.map(async (source) => ingest(t, { source, subjectsDirectory, ...PLAN }));
  const versions = await Promise.all(here);
  await Promise.all(processes.map(({ closed }) => closed));
  for (const { headers } of processes) t.match(headers.at(-1), { ok: true, manifest: { subjectCount: 60_000 } });
  t.same(await registryOf(t, subjectsDirectory), [100_000, 100_000, 99_999]);
  const [one, two, three] = versions.map((version) => version.values("k").map(Number));
  t.same(one!.slice(20_000), two!.slice(0, 40_000));
  t.same(two!.slice(20_000), three!.slice(0, 40_000));
});

t.test("an ingest that is killed after its segment leaves ordinals that the next one uses", async (t) => {
  const subjectsDirectory = temporaryDirectory(t);
  const parent = temporaryDirectory(t);
  const directory = join(parent, "v1");
  const source = await parquet(t, "SELECT i AS k, hash(i) % 1000 AS v FROM range(1500000) t(i)");
  const { child, closed } = start(source, directory, subjectsDirectory);
  const index = join(subjectsDirectory, "registry.json");
  while (child.exitCode === null && !(existsSync(index) && readFileSync(index, "utf8").includes("subjects-"))) {
    await sleep(2);
  }
  child.kill("SIGKILL");
  await closed;
  t.notOk(existsSync(directory), "it was not published");
  t.same(await registryOf(t, subjectsDirectory), [1_500_000, 1_500_000, 1_499_999]);
  const small = await parquet(t, "SELECT i AS k, 1 AS v FROM range(1499990, 1500010) t(i)");
  const version = await ingest(t, { source: small, subjectsDirectory, ...PLAN });
  const numbers = version.values("k").map(Number);
  t.ok(numbers.slice(0, 10).every((number) => number < 1_500_000));
  t.same(
    numbers.slice(10).toSorted((a, b) => a - b),
    Array.from({ length: 10 }, (_, i) => 1_500_000 + i),
  );
  t.same(await registryOf(t, subjectsDirectory), [1_500_010, 1_500_010, 1_500_009]);
});
