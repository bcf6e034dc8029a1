import { existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { tableFromIPC } from "apache-arrow";
import t from "tap";
import type { ColumnRole, ProductSpec } from "#contract/product.ts";
import { ingestProduct } from "#engine/ingest/index.ts";
import { everyType, openDuckDB, TYPE_COLUMNS } from "../arrow/duckdb.ts";
import { columns, failure, ingest, sourceFile, temporaryDirectory } from "./versions.ts";

const DATA = resolve(import.meta.dirname, "../../../../shared/data");

t.test("every type that Parquet has comes through", async (t) => {
  const connection = await openDuckDB(t);
  const path = join(temporaryDirectory(t), "all.parquet");
  await connection.run(`COPY (${everyType(3000)}) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE 1000)`);
  const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM read_parquet('${path}')`);
  const version = await ingest(t, {
    source: { path },
    columns: columns(Object.fromEntries(Object.keys(TYPE_COLUMNS).map((name) => [name, "public"]))),
  });
  t.equal(version.manifest.rowCount, 3000);
  const types = new Map(described.getRows().map((row) => [String(row[0]), String(row[1])]));
  for (const column of version.manifest.columns) {
    t.equal(column.type.replaceAll('"', ""), types.get(column.name), column.name);
    t.ok(column.nullCount > 400 && column.nullCount < 800, "NULLs are counted");
  }
  const counted = await connection.runAndReadAll(`SELECT count(varchar), count(DISTINCT varchar) FROM '${path}'`);
  const [present, distinct] = counted.getRows()[0]!.map(Number);
  const varchar = version.manifest.columns.find(({ name }) => name === "varchar")!;
  t.equal(varchar.nullCount, 3000 - present!);
  t.ok(Math.abs(varchar.approxDistinct - distinct!) / distinct! < 0.2, "distinct values are about right");
});

t.test("columns lie in files by role, in one order of rows", async (t) => {
  const connection = await openDuckDB(t);
  const path = join(temporaryDirectory(t), "a.parquet");
  await connection.run(
    `COPY (SELECT 'd' || (i % 7) AS d, i AS m, 'p' || i AS person, i % 90 AS age, 'ill' || (i % 3) AS diagnosis,
       'name' || i AS name, i % 5 AS area FROM range(200000) t(i)) TO '${path}' (FORMAT parquet)`,
  );
  const version = await ingest(t, {
    source: { path },
    subjectKey: "person",
    columns: columns({
      d: "dimension",
      m: "measure",
      person: "subject_key",
      age: "quasi_identifier",
      diagnosis: "sensitive",
      name: "identifier",
      area: "public",
    }),
  });
  const files = Object.fromEntries(version.manifest.files.map((file) => [file.path, file.columns]));
  t.same(files, {
    "dimensions.arrow": ["d", "area"],
    "measures.arrow": ["m"],
    "subject.arrow": ["person"],
    "column-3.arrow": ["age"],
    "column-4.arrow": ["diagnosis"],
    "column-5.arrow": ["name"],
    "subject-key.arrow": ["person"],
  });
  t.equal(version.manifest.subjectCount, 200_000);
  const measure = version.values("m").map(Number);
  t.same(version.keys()[150_000], `p${measure[150_000]}`);
  t.same(version.values("d")[123_456], `d${measure[123_456]! % 7}`);
  t.same(version.values("diagnosis")[199_999], `ill${measure[199_999]! % 3}`);
  t.equal(version.manifest.columns.find(({ name }) => name === "m")!.approxDistinct % 1000, 0, "two digits only");
});

t.test("long texts end a batch early, in all files at the same rows", async (t) => {
  const connection = await openDuckDB(t);
  const path = join(temporaryDirectory(t), "long.parquet");
  await connection.run(
    `COPY (SELECT i::DECIMAL(9,2) AS amount, i % 5 AS area, repeat('长', (i % 700)::INTEGER) || i AS note, 'p' || i AS person
       FROM range(20000) t(i)) TO '${path}' (FORMAT parquet)`,
  );
  const version = await ingest(t, {
    source: { path },
    subjectKey: "person",
    bytesPerBatch: 1_000_000,
    columns: columns({ amount: "measure", area: "dimension", note: "sensitive", person: "subject_key" }),
  });
  const batches = ["dimensions.arrow", "subject.arrow", "column-2.arrow"].map((file) =>
    tableFromIPC(readFileSync(join(version.directory, file))).batches.map((batch) => batch.numRows),
  );
  t.ok(batches[0]!.length > 20, "the texts are about 21 MB");
  t.same(batches[1], batches[0]);
  t.same(batches[2], batches[0]);
  const notes = version.values("note");
  const amounts = version.values("amount");
  t.ok(
    version.keys().every((person, i) => {
      const note = `${"长".repeat(i % 700)}${i}`;
      return person === `p${i}` && notes[i] === note && Number(amounts[i]) === i;
    }),
  );
});

t.test("what the declaration promises is checked against every row", async (t) => {
  const connection = await openDuckDB(t);
  const path = join(temporaryDirectory(t), "a.parquet");
  await connection.run(
    `COPY (SELECT CASE WHEN i = 150000 THEN NULL ELSE i END AS k, i::DOUBLE AS m, CASE WHEN i = 170000 THEN 'nan'::DOUBLE ELSE 1 END AS n
       FROM range(200000) t(i)) TO '${path}' (FORMAT parquet)`,
  );
  const noSubject = await failure(t, { source: { path }, subjectKey: "k", columns: columns({ k: "subject_key" }) });
  t.same(noSubject.details, { row: 150_001, column: "k" });
  const bounded = columns({ m: "measure", n: "measure" });
  const outside = await failure(t, { source: { path }, columns: [{ ...bounded[0]!, bounds: [0, 180_000] }] });
  t.same(outside.details, { row: 180_002, column: "m" });
  const notANumber = await failure(t, { source: { path }, columns: [{ ...bounded[1]!, bounds: [0, 10] }] });
  t.same(notANumber.details, { row: 170_001, column: "n" });
  const fits = await ingest(t, { source: { path }, columns: [{ ...bounded[0]!, bounds: [0, 200_000] }] });
  t.same(fits.manifest.columns[0]!.bounds, [0, 200_000]);
});

t.test("sources that cannot be read are refused", async (t) => {
  const connection = await openDuckDB(t);
  const cut = join(temporaryDirectory(t), "cut.parquet");
  await connection.run(
    `COPY (SELECT i AS a, 'text ' || hash(i) AS b FROM range(50000) t(i)) TO '${cut}' (FORMAT parquet)`,
  );
  truncateSync(cut, 100_000);
  const directory = join(temporaryDirectory(t), "d.parquet");
  mkdirSync(directory);
  const sources = [
    sourceFile(t, "a.parquet", "PAR1 this is not Parquet, though it is longer than twelve bytes PAR1"),
    sourceFile(t, "b.parquet", ""),
    { path: cut },
    { path: directory },
    { path: "/nonexistent/a.parquet" },
    sourceFile(t, "a.xlsx", "x"),
    sourceFile(t, "a.arrow", "ARROW1"),
    sourceFile(t, "a[1].parquet", "x"),
  ];
  for (const source of sources) {
    const error = await failure(t, { source, columns: columns({ a: "public" }) });
    t.equal(error.code, "ingest_failed", `${source.path}: ${error.message}`);
  }
  const url = await failure(t, { source: { url: "https://example.org/a.parquet" }, columns: columns({ a: "public" }) });
  t.equal(url.code, "not_supported");
});

t.test("a declaration that cannot hold is refused before the source is read", async (t) => {
  const source = { path: "/nonexistent/a.parquet" };
  const twice = await failure(t, { source, columns: columns({ a: "public", A: "public" }) });
  t.equal(twice.details?.["column"], "A");
  const subject = await failure(t, { source, subjectKey: "k", columns: columns({ a: "public" }) });
  t.equal(subject.details?.["column"], "k");
});

t.test("an ingest that is cancelled leaves nothing, and a version is never written over", async (t) => {
  const connection = await openDuckDB(t);
  const path = join(temporaryDirectory(t), "big.parquet");
  await connection.run(`COPY (SELECT i AS a, hash(i) AS b FROM range(3000000) t(i)) TO '${path}' (FORMAT parquet)`);
  const parent = temporaryDirectory(t);
  const spec: ProductSpec = {
    id: "x",
    source: { path },
    grade: "L1",
    columns: columns({ a: "measure", b: "measure" }),
  };
  const cancel = new AbortController();
  const seen: number[] = [];
  const onProgress = (rows: number): void => {
    seen.push(rows);
    if (rows > 0) cancel.abort();
  };
  const directory = join(parent, "v1");
  await t.rejects(ingestProduct({ spec, directory, signal: cancel.signal, onProgress }), { code: "ingest_failed" });
  t.ok(
    seen.some((rows) => rows > 0 && rows < 3_000_000),
    "it was under way",
  );
  t.same(readdirSync(parent), []);
  const early = AbortSignal.abort();
  await t.rejects(ingestProduct({ spec, directory, signal: early }), { code: "ingest_failed" });
  mkdirSync(directory);
  await t.rejects(ingestProduct({ spec, directory }), { code: "conflict" });
});

t.test("what a killed ingest left is removed after a day, not before", async (t) => {
  const source = sourceFile(t, "a.csv", "a\n1\n");
  const parent = temporaryDirectory(t);
  const yesterday = (Date.now() - 25 * 3600 * 1000) / 1000;
  for (const name of ["old.partial-1", "new.partial-2", "kept"]) {
    mkdirSync(join(parent, name));
    writeFileSync(join(parent, name, "x"), "");
    if (name === "new.partial-2") continue;
    utimesSync(join(parent, name, "x"), yesterday, yesterday);
    utimesSync(join(parent, name), yesterday, yesterday);
  }
  const spec: ProductSpec = { id: "x", source, grade: "L1", columns: columns({ a: "public" }) };
  await ingestProduct({ spec, directory: join(parent, "v1") });
  t.same(readdirSync(parent).toSorted(), ["kept", "new.partial-2", "v1"]);
});

t.test("real data keeps its sums", { skip: existsSync(DATA) ? false : "no shared data here" }, async (t) => {
  const connection = await openDuckDB(t);
  const cases = [
    { path: "tpch_sf0.1/orders.parquet", sum: "o_totalprice", text: "o_orderpriority" },
    { path: "us_flights/nycflights13_weather.parquet", sum: "temp", text: "origin" },
    { path: "cn_divisions/streets.csv", sum: undefined, text: "name" },
  ];
  for (const { path, sum, text } of cases) {
    const file = join(DATA, path);
    const roles: Record<string, ColumnRole> = { [text]: "dimension", ...(sum ? { [sum]: "measure" as const } : {}) };
    const version = await ingest(t, { source: { path: file }, columns: columns(roles) });
    const items = [`count(*)`, `count(DISTINCT "${text}")`, sum ? `sum("${sum}")` : "0"];
    const reader = await connection.runAndReadAll(`SELECT ${items.join(", ")} FROM '${file}'`);
    const [rows, distinct, total] = reader.getRows()[0]!.map((value) => Number(String(value)));
    t.equal(version.manifest.rowCount, rows);
    t.equal(new Set(version.values(text).filter((value) => value !== null)).size, distinct);
    const found = sum ? version.values(sum).reduce((a: number, value) => a + Number(value), 0) : 0;
    t.ok(Math.abs(found - total!) < Math.abs(total!) * 1e-9 + 1e-6, `${found} and ${total}`);
  }
});
