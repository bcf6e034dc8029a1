import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import t, { type Test } from "tap";
import type { MountedProduct } from "#contract/engine.ts";
import { buildArrowExtension } from "../../../src/engine/native/build.ts";
import { mountProducts } from "../../../src/engine/arrow/mount.ts";
import { everyType } from "./every-type.ts";
import { firstValue, openEngine, writeProduct } from "./products.ts";

await buildArrowExtension();
const directory = await mkdtemp(join(tmpdir(), "sluice-native-"));
t.teardown(() => rm(directory, { recursive: true, force: true }));

const SMALL_ROWS = 3000;
const SHAPES = [
  { title: "one batch", rows: 3000, seed: 1, rowsPerBatch: 122_880, threads: 1 },
  { title: "batches of a prime number of rows", rows: 14_503, seed: 2, rowsPerBatch: 997, threads: 2 },
  { title: "batches of two vectors", rows: 16_000, seed: 3, rowsPerBatch: 4096, threads: 2 },
  {
    title: "batches of five vectors, more threads than processors",
    rows: 20_480,
    seed: 4,
    rowsPerBatch: 10_240,
    threads: 5,
  },
  { title: "batches of one row", rows: 70, seed: 5, rowsPerBatch: 1, threads: 2 },
];

/** `source` for the writer, and `expected`: a dictionary column is VARCHAR in SQL. */
async function createSource(connection: DuckDBConnection, relation: string): Promise<void> {
  await connection.run(`CREATE TABLE source AS FROM ${relation}`);
  await connection.run("CREATE VIEW expected AS SELECT * REPLACE (coded::VARCHAR AS coded) FROM source");
}

/** Rows that are in one relation more often than in the other, both ways. */
async function differences(connection: DuckDBConnection, left: string, right: string): Promise<unknown> {
  return await firstValue(
    connection,
    `SELECT (SELECT count(*) FROM (FROM ${left} EXCEPT ALL FROM ${right}))
      + (SELECT count(*) FROM (FROM ${right} EXCEPT ALL FROM ${left}))`,
  );
}

/** Each column by itself: what a projection of one column asks for. */
async function compareAggregates(
  t: Test,
  connection: DuckDBConnection,
  { id, columns }: MountedProduct,
): Promise<void> {
  for (const { name } of columns) {
    const column = `"${name}"`;
    const sums = `SELECT count(${column}), count(DISTINCT ${column}), sum(hash(${column})::HUGEINT), min(${column}), max(${column})`;
    const own = await connection.runAndReadAll(`${sums} FROM expected`);
    const scanned = await connection.runAndReadAll(`${sums} FROM ${id}`);
    t.same(scanned.getRowsJson(), own.getRowsJson(), `aggregates of ${name}`);
  }
}

for (const { title, rows, seed, rowsPerBatch, threads } of SHAPES) {
  t.test(`every type scans as DuckDB's own table: ${title}`, async (t) => {
    await using engine = await openEngine({ threads });
    const { connection } = engine;
    await createSource(connection, everyType({ rows, seed }));
    const product = await writeProduct(connection, { id: `shape${seed}`, relation: "source", directory, rowsPerBatch });
    await mountProducts(connection, [product]);
    t.equal(await differences(connection, product.id, "expected"), 0n, "the same rows");
    if (rows <= SMALL_ROWS) await compareAggregates(t, connection, product);
  });
}

t.test("a batch of more rows than a task is cut into tasks", async (t) => {
  await using engine = await openEngine({ threads: 4 });
  const { connection } = engine;
  const rows = 300_000;
  await createSource(connection, `(SELECT i, varchar, decimal9, coded FROM ${everyType({ rows, seed: 10 })})`);
  const product = await writeProduct(connection, { id: "cut", relation: "source", directory, rowsPerBatch: 262_144 });
  await mountProducts(connection, [product]);
  t.equal(await differences(connection, "cut", "expected"), 0n);
});

t.test("NULL rows of structs and arrays have NULL members", async (t) => {
  await using engine = await openEngine();
  const { connection } = engine;
  await createSource(connection, everyType({ rows: 20_000, seed: 8 }));
  const product = await writeProduct(connection, { id: "nested", relation: "source", directory, rowsPerBatch: 3001 });
  await mountProducts(connection, [product]);
  const counts = `SELECT count(struct), count(struct.a), count(struct.d.e), count(struct_arrays[1].x), count("array"[1]),
    count("map"['one']), count(structs[1].v), sum(len(lists)), count(texts[2])`;
  const own = await connection.runAndReadAll(`${counts} FROM expected`);
  const scanned = await connection.runAndReadAll(`${counts} FROM nested`);
  t.same(scanned.getRowsJson(), own.getRowsJson());
});

t.test("columns in several files keep their rows together, and only the granted ones are there", async (t) => {
  await using engine = await openEngine();
  const { connection } = engine;
  await createSource(connection, everyType({ rows: 50_000, seed: 6 }));
  const groups = [["i", "varchar"], ["decimal9"], ["list", "struct", "coded"]];
  const relation = "(SELECT i, varchar, decimal9, list, struct, coded FROM source)";
  const product = await writeProduct(connection, { id: "grouped", relation, directory, groups, rowsPerBatch: 8192 });
  const granted = ["coded", "decimal9", "i"].map((name) => product.columns.find((column) => column.name === name)!);
  await mountProducts(connection, [{ ...product, columns: granted }]);
  t.same((await connection.runAndReadAll("FROM grouped LIMIT 0")).columnNames(), ["coded", "decimal9", "i"]);
  t.equal(await differences(connection, "grouped", "(SELECT coded, decimal9, i FROM expected)"), 0n);
  await t.rejects(connection.run("SELECT varchar FROM grouped"), /Binder Error/);
});

t.test("a dictionary column is read as an ENUM in the order that the manifest declares", async (t) => {
  await using engine = await openEngine();
  const { connection } = engine;
  for (const labelCount of [3, 200, 300, 70_000]) {
    const id = `labels${labelCount}`;
    const labels = `SELECT 'label ' || lpad(l::VARCHAR, 5, '0') AS label FROM range(${labelCount}) t(l)`;
    await connection.run(`CREATE TYPE ${id} AS ENUM (${labels})`);
    await connection.run(`CREATE TYPE ${id}_back AS ENUM (${labels} ORDER BY label DESC)`);
    const label = `'label ' || lpad((i * 7919 % ${labelCount})::VARCHAR, 5, '0')`;
    await connection.run(`CREATE TABLE ${id}_rows AS SELECT i, (${label})::${id} AS whole,
      CASE WHEN i % 5 > 0 THEN (${label})::${id} END AS gaps FROM range(80_000) t(i)`);
    const written = await writeProduct(connection, { id, relation: `${id}_rows`, directory, rowsPerBatch: 20_480 });
    const columns = written.columns.map((column) => (column.name === "i" ? column : { ...column, type: `${id}_back` }));
    await mountProducts(connection, [{ ...written, columns }], { keepOpen: true });
    const texts = `SELECT i, whole::VARCHAR, gaps::VARCHAR FROM`;
    t.equal(await differences(connection, `(${texts} ${id})`, `(${texts} ${id}_rows)`), 0n, `${labelCount} labels`);
    const codes = await firstValue(connection, `SELECT max(enum_code(whole)::BIGINT) FROM ${id}`);
    t.equal(codes, BigInt(labelCount - 1));
  }
});

t.test("a product without rows has its columns and types", async (t) => {
  await using engine = await openEngine();
  const { connection } = engine;
  const product = await writeProduct(connection, {
    id: "nothing",
    relation: everyType({ rows: 0, seed: 1 }),
    directory,
  });
  await mountProducts(connection, [product]);
  t.equal(await firstValue(connection, "SELECT count(*) FROM nothing"), 0n);
  t.equal((await connection.runAndReadAll("FROM nothing")).columnNames().length, product.columns.length);
});

t.test("the planning instance gets empty tables with the same names and types", async (t) => {
  await using engine = await openEngine();
  const { connection } = engine;
  const product = await writeProduct(connection, {
    id: "planned",
    relation: everyType({ rows: 10, seed: 1 }),
    directory,
  });
  await mountProducts(connection, [product]);
  await using planner = await openEngine({ loaded: false });
  await mountProducts(planner.connection, [product], { empty: true });
  const scanned = await connection.runAndReadAll("SELECT column_name, column_type FROM (DESCRIBE planned)");
  const planned = await planner.connection.runAndReadAll("SELECT column_name, column_type FROM (DESCRIBE planned)");
  t.same(planned.getRows(), scanned.getRows());
  t.equal(await firstValue(planner.connection, "SELECT count(*) FROM planned"), 0n);
});

t.test("rows come in their order, slices and self-joins included", async (t) => {
  await using engine = await openEngine();
  const { connection } = engine;
  const product = await writeProduct(connection, {
    id: "ordered",
    relation: everyType({ rows: 40_000, seed: 9 }),
    directory,
    rowsPerBatch: 5000,
  });
  await mountProducts(connection, [product]);
  t.equal(await firstValue(connection, "SELECT list(i) = range(39990) FROM (SELECT i FROM ordered LIMIT 39990)"), true);
  t.equal(await firstValue(connection, "SELECT i FROM ordered LIMIT 1 OFFSET 12345"), 12345n);
  t.equal(await firstValue(connection, "SELECT count(*) FROM ordered a JOIN ordered b USING (i)"), 40_000n);
  t.equal(
    await firstValue(connection, "WITH x AS (FROM ordered) SELECT count(*) FROM x, x y WHERE x.i = y.i + 1"),
    39_999n,
  );
});

t.test("many connections scan at once and get the same answer", async (t) => {
  await using engine = await openEngine({ threads: 3 });
  const { connection, instance } = engine;
  await createSource(connection, everyType({ rows: 60_000, seed: 7 }));
  const product = await writeProduct(connection, { id: "busy", relation: "source", directory, rowsPerBatch: 8192 });
  await mountProducts(connection, [product]);
  const sql = "SELECT sum(hash(varchar)::HUGEINT), sum(decimal18), count(coded), sum(len(list))";
  const own = (await connection.runAndReadAll(`${sql} FROM expected`)).getRowsJson();
  const connections = await Promise.all(Array.from({ length: 6 }, () => instance.connect()));
  const answers = await Promise.all(connections.map((one) => one.runAndReadAll(`${sql} FROM busy`)));
  for (const one of connections) one.closeSync();
  for (const answer of answers) t.same(answer.getRowsJson(), own);
});
