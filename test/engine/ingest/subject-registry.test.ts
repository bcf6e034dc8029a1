import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import t, { type Test } from "tap";
import { encodeFrame } from "#contract/frame.ts";
import { ingestProduct } from "#engine/ingest/index.ts";
import { openDuckDB } from "../arrow/duckdb.ts";
import { columns, failure, ingest, sourceFile, temporaryDirectory } from "./versions.ts";

const ENTRY = resolve(import.meta.dirname, "../../../src/bin/ingest.ts");
const PLAN = { subjectKey: "k", columns: columns({ k: "subject_key", v: "measure" }) };
const MOST_SEGMENTS = 8;

async function parquet(t: Test, sql: string): Promise<{ path: string }> {
  const connection = await openDuckDB(t);
  const path = join(temporaryDirectory(t), "a.parquet");
  await connection.run(`COPY (${sql}) TO '${path}' (FORMAT parquet)`);
  return { path };
}

function range(from: number, to: number): string {
  return `SELECT i AS k, 1 AS v FROM range(${from}, ${to}) t(i)`;
}

/** The registry as its index has it, ordinals by key. */
async function readRegistry(t: Test, directory: string): Promise<Map<string, number>> {
  const { segments } = JSON.parse(readFileSync(join(directory, "registry.json"), "utf8")) as {
    segments: { path: string }[];
  };
  const connection = await openDuckDB(t);
  const listed = segments.map(({ path }) => `'${join(directory, path)}'`).join(", ");
  const sql = `SELECT coalesce(text, CAST(number AS VARCHAR)), ordinal FROM read_parquet([${listed}])`;
  const rows = (await connection.runAndReadAll(sql)).getRows();
  const found = new Map(rows.map(([key, ordinal]) => [String(key), Number(ordinal)]));
  t.equal(found.size, rows.length, "no key twice");
  t.equal(new Set(found.values()).size, rows.length, "no ordinal twice");
  t.ok(
    [...found.values()].toSorted((a, b) => a - b).every((ordinal, i) => ordinal === i),
    "dense",
  );
  return found;
}

function segments(directory: string): string[] {
  return readdirSync(directory).filter((name) => /^subjects-\d+\.parquet$/.test(name));
}

/** One segment for each of so many ingests of other subjects. */
async function fill(t: Test, directory: string, { count, size }: { count: number; size: number }): Promise<void> {
  for (let i = 0; i < count; i++) {
    const source = await parquet(t, range(i * size, (i + 1) * size));
    const spec = { id: "x", source, grade: "L1" as const, ...PLAN };
    await ingestProduct({ spec, directory: join(temporaryDirectory(t), "v"), subjectsDirectory: directory });
  }
}

t.test("a damaged registry is refused with its code, whatever is damaged", async (t) => {
  const good = temporaryDirectory(t);
  await fill(t, good, { count: 2, size: 5000 });
  const [first] = segments(good);
  const flip = (name: string, at: number) => (directory: string) => {
    const bytes = readFileSync(join(directory, name));
    bytes[at < 0 ? bytes.length + at : at]! ^= 1;
    writeFileSync(join(directory, name), bytes);
  };
  const index = (change: (text: string) => string) => (directory: string) => {
    const path = join(directory, "registry.json");
    writeFileSync(path, change(readFileSync(path, "utf8")));
  };
  const damages: Record<string, (directory: string) => void> = {
    "a bit in the middle": flip(first!, 3000),
    "a bit at the end": flip(first!, -1),
    cut: (directory) => truncateSync(join(directory, first!), 2000),
    "a segment is gone": (directory) => rmSync(join(directory, first!)),
    "the index is gone": (directory) => rmSync(join(directory, "registry.json")),
    "the index is empty": index(() => ""),
    "the index is null": index(() => "null"),
    "the index lists less": index((text) => text.replace(/\{[^{}]*\},(?=\{)/, "")),
    "a number in the index": index((text) => text.replace('"subjects":5000', '"subjects":5001')),
    "a path that leads out": index((text) => text.replace(first!, `../${first!}`)),
    "the segments are swapped": (directory) => {
      const [one, two] = segments(directory).map((name) => join(directory, name));
      cpSync(one!, `${one}.x`);
      cpSync(two!, one!);
      cpSync(`${one}.x`, two!);
    },
    "another format": index((text) => text.replace("sluice-subjects/1", "sluice-subjects/9")),
    "from before there was an index": (directory) => {
      rmSync(join(directory, "registry.json"));
      for (const name of segments(directory)) rmSync(join(directory, name));
      writeFileSync(join(directory, "segment-00000001.parquet"), "PAR1");
    },
  };
  for (const [what, damage] of Object.entries(damages)) {
    const subjectsDirectory = temporaryDirectory(t);
    cpSync(good, subjectsDirectory, { recursive: true });
    damage(subjectsDirectory);
    const source = sourceFile(t, "a.csv", "k,v\n7,1\n");
    const error = await failure(t, { source, subjectsDirectory, ...PLAN });
    t.equal(error.code, "subject_registry_damaged", `${what}: ${JSON.stringify(error.details)}`);
  }
});

t.test("many segments become few, and every subject keeps its ordinal", async (t) => {
  const subjectsDirectory = temporaryDirectory(t);
  await fill(t, subjectsDirectory, { count: MOST_SEGMENTS, size: 1000 });
  const before = await readRegistry(t, subjectsDirectory);
  t.equal(segments(subjectsDirectory).length, MOST_SEGMENTS);
  writeFileSync(join(subjectsDirectory, "subjects-00000077.parquet"), "what a killed process left");
  writeFileSync(join(subjectsDirectory, "registry.json.partial"), "likewise");
  const source = await parquet(t, "SELECT k, 1 AS v FROM (VALUES ('5'), ('x'), ('05')) t(k)");
  const version = await ingest(t, { source, subjectsDirectory, ...PLAN });
  t.ok(segments(subjectsDirectory).length < MOST_SEGMENTS, "compacted");
  t.equal(existsSync(join(subjectsDirectory, "subjects-00000077.parquet")), false);
  const after = await readRegistry(t, subjectsDirectory);
  t.equal(after.size, before.size + 2);
  t.ok([...before].every(([key, ordinal]) => after.get(key) === ordinal));
  t.equal(Number(version.values("k")[0]), before.get("5"));
  for (let i = 0; i < 12; i++) {
    const more = sourceFile(t, "a.csv", `k,v\nmore${i},1\n`);
    await ingest(t, { source: more, subjectsDirectory, ...PLAN });
    t.ok(segments(subjectsDirectory).length <= MOST_SEGMENTS);
  }
  const last = await readRegistry(t, subjectsDirectory);
  t.equal(last.size, after.size + 12);
  t.ok([...after].every(([key, ordinal]) => last.get(key) === ordinal));
});

function start(source: { path: string }, directory: string, subjectsDirectory: string) {
  const child = spawn(process.execPath, ["--no-node-snapshot", ENTRY], {
    env: {},
    stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
  });
  const input = child.stdio[3] as Writable;
  input.on("error", () => undefined);
  const spec = { id: "x", source, grade: "L1", ...PLAN };
  input.write(Buffer.concat(encodeFrame({ op: "ingest", id: 1, spec, directory, subjectsDirectory })));
  return { child, closed: once(child, "close") };
}

t.test("a process that is killed while it compacts leaves a registry without loss", { timeout: 120_000 }, async (t) => {
  const full = temporaryDirectory(t);
  const size = 100_000;
  await fill(t, full, { count: MOST_SEGMENTS, size });
  const before = await readRegistry(t, full);
  const source = await parquet(t, range(size * MOST_SEGMENTS - 10, size * (MOST_SEGMENTS + 1)));
  // the tenth is what the nine become
  const moments: Record<string, (names: string[]) => boolean> = {
    "the new segment is listed": (names) => names.includes("subjects-00000009.parquet"),
    "the compacted one is being written": (names) => names.includes("subjects-00000010.parquet.partial"),
    "it is written, and maybe listed": (names) => names.includes("subjects-00000010.parquet"),
  };
  for (const [what, reached] of Object.entries(moments)) {
    const subjectsDirectory = temporaryDirectory(t);
    cpSync(full, subjectsDirectory, { recursive: true });
    const directory = join(temporaryDirectory(t), "v1");
    const { child, closed } = start(source, directory, subjectsDirectory);
    while (child.exitCode === null && !reached(readdirSync(subjectsDirectory))) await sleep(1);
    child.kill("SIGKILL");
    await closed;
    t.equal(child.signalCode, "SIGKILL", `it was at work: ${what}`);
    const version = await ingest(t, { source, subjectsDirectory, ...PLAN });
    const after = await readRegistry(t, subjectsDirectory);
    t.equal(after.size, size * (MOST_SEGMENTS + 1), what);
    t.ok([...before].every(([key, ordinal]) => after.get(key) === ordinal));
    const keys = version.keys();
    const ordinals = version.values("k");
    t.ok(keys.every((key, i) => after.get(String(key)) === Number(ordinals[i])));
    t.equal(readdirSync(subjectsDirectory).filter((name) => name.endsWith(".partial")).length, 0);
    t.ok(segments(subjectsDirectory).length <= MOST_SEGMENTS + 1);
  }
});

t.test("rows get the ordinals of their keys when they do not fit into memory at once", async (t) => {
  const subjectsDirectory = temporaryDirectory(t);
  const sql = `SELECT (i * 7919) % 30011 AS k, (i * 7919) % 30011 AS v FROM range(100000) t(i)`;
  const source = await parquet(t, sql);
  const version = await ingest(t, { source, subjectsDirectory, rowsPerWindow: 10_001, ...PLAN });
  const registry = await readRegistry(t, subjectsDirectory);
  const keys = version.keys();
  const measures = version.values("v");
  t.equal(registry.size, 30_011);
  t.equal(version.manifest.columns[0]!.approxDistinct, 30_000);
  const wrong = version
    .values("k")
    .findIndex((n, i) => Number(n) !== registry.get(String(keys[i])) || String(keys[i]) !== String(measures[i]));
  t.equal(wrong, -1);
});

t.test("columns that are called like ours, in the source or in the declaration, change nothing", async (t) => {
  const names = [
    "key",
    "ordinal",
    "sluice_row",
    "sluice_subject_key",
    "sluice_subject_ordinal",
    "rowid",
    "c1",
    "number",
  ];
  const listed = names.map((name, i) => `i * 10 + ${i} AS "${name}"`).join(", ");
  const source = await parquet(t, `SELECT 100 - i AS c0, ${listed} FROM range(50) t(i)`);
  for (const subjectKey of names) {
    const roles = Object.fromEntries(
      ["c0", ...names].map((name) => [name, name === subjectKey ? "subject_key" : "measure"] as const),
    );
    const version = await ingest(t, { source, subjectKey, columns: columns(roles) });
    const place = names.indexOf(subjectKey);
    t.same(version.keys().slice(0, 3).map(Number), [place, 10 + place, 20 + place], subjectKey);
    t.equal(version.manifest.subjectCount, 50);
    const other = names.find((name) => name !== subjectKey)!;
    t.equal(Number(version.values(other)[49]), 490 + names.indexOf(other));
    t.equal(Number(version.values("c0")[1]), 99);
  }
  const missing = await parquet(
    t,
    "SELECT 1 AS v, CASE WHEN i = 7 THEN NULL ELSE i END AS sluice_row FROM range(9) t(i)",
  );
  const nulls = { subjectKey: "sluice_row", columns: columns({ sluice_row: "subject_key", v: "measure" }) };
  const error = await failure(t, { source: missing, ...nulls });
  t.same(error.details, { row: 8, column: "sluice_row" });
  for (const name of ["file_row_number", "FILE_ROW_NUMBER"]) {
    const reserved = await parquet(t, `SELECT 1 AS k, 2 AS v, 3 AS ${name}`);
    t.match(await failure(t, { source: reserved, ...PLAN }), { code: "ingest_failed", details: { column: name } });
  }
});
