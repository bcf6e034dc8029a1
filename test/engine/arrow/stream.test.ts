import { tableFromIPC } from "apache-arrow";
import t from "tap";
import { encodeArrowStream, OutputTooLarge, ROWS_PER_BATCH, UnsupportedType } from "#engine/arrow/index.ts";
import { openDuckDB } from "./duckdb.ts";

const UNLIMITED = { maxRows: 1e9, maxBytes: 1e9 };

t.test("a large result comes in batches of 122,880 rows", async (t) => {
  const connection = await openDuckDB(t);
  const sql = "SELECT i, 'value ' || (i % 70000) AS s FROM range(300000) t(i)";
  const { bytes, rowCount } = await encodeArrowStream(await connection.stream(sql), UNLIMITED);
  const table = tableFromIPC(bytes);
  t.equal(rowCount, 300_000);
  t.same(
    table.batches.map((batch) => batch.numRows),
    [ROWS_PER_BATCH, ROWS_PER_BATCH, 300_000 - 2 * ROWS_PER_BATCH],
  );
  t.equal(table.getChildAt(0)!.get(299_999), 299_999n);
  t.equal(new Set(table.getChildAt(1)!.toArray() as string[]).size, 70_000, "70,000 different strings");
});

t.test("too many rows or bytes end the encoding", async (t) => {
  const connection = await openDuckDB(t);
  const sql = "SELECT i, repeat('x', 100) FROM range(100000) t(i)";
  const cases = [
    { limits: { maxRows: 99_999, maxBytes: 1e9 }, limit: "rows" },
    { limits: { maxRows: 1e9, maxBytes: 1_000_000 }, limit: "bytes" },
    { limits: { maxRows: 1e9, maxBytes: 10 }, limit: "bytes" },
  ];
  for (const { limits, limit } of cases) {
    const error: unknown = await encodeArrowStream(await connection.stream(sql), limits).catch((e: unknown) => e);
    t.ok(error instanceof OutputTooLarge);
    t.equal((error as OutputTooLarge).limit, limit);
  }
  const exact = await encodeArrowStream(await connection.stream("SELECT 1"), { maxRows: 1, maxBytes: 10_000 });
  t.equal(exact.rowCount, 1, "a result at the limit passes");
});

t.test("a type without an Arrow form is refused by name", async (t) => {
  const connection = await openDuckDB(t);
  for (const sql of ["SELECT '101'::BIT AS b", "SELECT TIME WITH TIME ZONE '10:00:00+08' AS b"]) {
    const error: unknown = await encodeArrowStream(await connection.stream(sql), UNLIMITED).catch((e: unknown) => e);
    t.ok(error instanceof UnsupportedType);
    t.equal((error as UnsupportedType).column, "b");
  }
});

t.test("columns of one name are told apart, and types are DuckDB's", async (t) => {
  const connection = await openDuckDB(t);
  const sql = `SELECT 1 AS a, 2::DECIMAL(12,2) AS a, {'x': [1]} AS s`;
  const { columns } = await encodeArrowStream(await connection.stream(sql), UNLIMITED);
  t.same(columns, [
    { name: "a", type: "INTEGER" },
    { name: "a:1", type: "DECIMAL(12,2)" },
    { name: "s", type: 'STRUCT("x" INTEGER[])' },
  ]);
});

t.test("what stood behind a NULL does not leave", async (t) => {
  const connection = await openDuckDB(t);
  await connection.run(
    `CREATE TABLE t AS SELECT 1234567890123456789 AS n, 'secret value behind a null' AS s, [424242] AS l,
       {'x': 909090909, 'y': 'inner secret of a struct'} AS st, CAST('a' AS ENUM('a', 'domain_value')) AS e FROM range(100)`,
  );
  await connection.run("UPDATE t SET n = NULL, s = NULL, l = NULL, st = NULL");
  const suppressed = `SELECT CASE WHEN n > 0 THEN NULL ELSE n END AS n, * EXCLUDE (n) FROM t
    UNION ALL SELECT nullif(i, i), nullif('q' || i, 'q' || i), NULL, NULL, NULL FROM range(1234567000, 1234567100) r(i)`;
  const { bytes } = await encodeArrowStream(await connection.stream(suppressed), UNLIMITED);
  const raw = Buffer.from(bytes);
  for (const text of ["secret", "domain_value", "q1234567"]) t.notOk(raw.includes(text), `no ${text}`);
  const long = Buffer.alloc(8);
  for (const value of [1234567890123456789n, 424242n, 909090909n, 1234567001n]) {
    long.writeBigInt64LE(value);
    t.notOk(raw.includes(long), `no ${value}`);
  }
});
