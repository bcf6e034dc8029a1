import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { tableFromIPC, type Dictionary } from "apache-arrow";
import t from "tap";
import { openArrowFiles, type BatchStatistics } from "#engine/arrow/index.ts";
import { openDuckDB, temporaryDirectory, writeArrowFile } from "./duckdb.ts";

t.test("a file carries its digest, dictionaries and the bounds of each batch", async (t) => {
  const connection = await openDuckDB(t);
  const path = join(temporaryDirectory(t), "x.arrow");
  await connection.run("CREATE TYPE many AS ENUM (SELECT 'v' || i FROM range(40000) t(i) ORDER BY i)");
  const sql = `SELECT i, CAST(i % 100 AS UTINYINT) AS u, CASE WHEN i < 100 THEN NULL ELSE -i / 2.0 END AS d,
      CAST('v' || (i % 40000) AS many) AS e, CASE WHEN i = 150 THEN 'nan'::FLOAT ELSE i::FLOAT END AS f,
      CAST(i AS DECIMAL(5,1)) AS dec, DATE '2020-01-01' + i::INTEGER AS day, 's' AS s
    FROM range(250) t(i) ORDER BY i`;
  const summary = await writeArrowFile(connection, sql, { path, rowsPerBatch: 100 });
  const bytes = readFileSync(path);
  t.equal(summary.digest, `sha256:${createHash("sha256").update(bytes).digest("hex")}`);
  const table = tableFromIPC(bytes);
  t.equal(
    (table.getChild("e")!.type as Dictionary).indices.bitWidth,
    32,
    "40,000 values need more than 16 signed bits",
  );
  t.equal(table.getChild("e")!.get(249), "v249");
  const text = bytes.toString("latin1");
  const stats = JSON.parse(/\{"columns":\[.*?\]\}\]\}/.exec(text)![0]) as BatchStatistics;
  const of = (name: string) => stats.columns.find((column) => column.name === name);
  t.same(of("i"), { name: "i", min: ["0", "100", "200"], max: ["99", "199", "249"] });
  t.same(of("u"), { name: "u", min: [0, 0, 0], max: [99, 99, 49] });
  t.same(of("d"), { name: "d", min: [null, -99.5, -124.5], max: [null, -50, -100] }, "a batch of NULLs has no bounds");
  t.same(of("f"), { name: "f", min: [0, 100, 200], max: [99, "NaN", 249] }, "NaN is the greatest");
  t.same(of("dec"), { name: "dec", min: [0, 1000, 2000], max: [990, 1990, 2490] }, "decimals are unscaled");
  t.same(of("day")?.min, [18262, 18362, 18462]);
  t.notOk(of("s"), "text has no bounds");
});

t.test("every body of a file begins at a multiple of 64", async (t) => {
  const connection = await openDuckDB(t);
  const path = join(temporaryDirectory(t), "x.arrow");
  await writeArrowFile(connection, "SELECT i, 'a' || i AS s, [i] AS l FROM range(1000) t(i)", {
    path,
    rowsPerBatch: 300,
  });
  const bytes = readFileSync(path);
  let at = 8;
  let bodies = 0;
  while (bytes.readInt32LE(at + 4) !== 0) {
    t.equal(bytes.readUInt32LE(at), 0xffffffff);
    const body = at + 8 + bytes.readInt32LE(at + 4);
    t.equal(body % 64, 0);
    bodies++;
    at = nextMessage(bytes, body);
  }
  t.equal(bodies, 5, "the schema and four batches");
});

/** The body's length is not in the prefix, so the next continuation mark at a multiple of 64 is looked for. */
function nextMessage(bytes: Buffer, body: number): number {
  let at = body;
  while (bytes.readUInt32LE(at) !== 0xffffffff) at += 64;
  return at;
}

t.test("a file is never written over another", async (t) => {
  const connection = await openDuckDB(t);
  const path = join(temporaryDirectory(t), "x.arrow");
  await writeArrowFile(connection, "SELECT 1 AS a", { path });
  await t.rejects(writeArrowFile(connection, "SELECT 2 AS a", { path }), { code: "EEXIST" });
});

t.test("a column that cannot be written leaves no open file", async (t) => {
  const connection = await openDuckDB(t);
  const path = join(temporaryDirectory(t), "x.arrow");
  const result = await connection.stream("SELECT '1'::BIT AS b");
  t.throws(() => openArrowFiles([{ path, columns: [{ name: "b", index: 0, type: result.columnType(0) }] }]), {
    name: "UnsupportedType",
  });
  t.notOk(existsSync(path), "the types are judged before the file is made");
});
