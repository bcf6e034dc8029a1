import { readFileSync } from "node:fs";
import { join } from "node:path";
import { tableFromIPC, type Data } from "apache-arrow";
import t, { type Test } from "tap";
import { openArrowFiles, type BatchLimits } from "#engine/arrow/index.ts";
import { openDuckDB, temporaryDirectory } from "./duckdb.ts";

/** Writes each column of a query into a file of its own and reads the files back. */
async function write(t: Test, sql: string, limits: BatchLimits) {
  const connection = await openDuckDB(t);
  const directory = temporaryDirectory(t);
  const result = await connection.stream(sql);
  const files = result.columnNames().map((name, index) => ({
    path: join(directory, `${name}.arrow`),
    columns: [{ name, index, type: result.columnType(index) }],
  }));
  using writer = openArrowFiles(files, limits);
  for await (const chunk of result) writer.append(chunk);
  const summaries = writer.finish();
  return files.map(({ path }, i) => ({ summary: summaries[i]!, table: tableFromIPC(readFileSync(path)) }));
}

t.test("a batch of all files ends before they hold too many bytes together", async (t) => {
  const sql = `SELECT i, repeat('x', (i % 100)::INTEGER) AS text, [repeat('y', 50), NULL] AS list,
    {'s': repeat('z', 20)} AS struct, ['four', 'list']::VARCHAR[2] AS pair FROM range(10000) t(i)`;
  const bytesPerBatch = 100_000;
  const files = await write(t, sql, { bytesPerBatch });
  const lengths = files[0]!.table.batches.map((batch) => batch.numRows);
  t.ok(lengths.length > 10, "there are several batches");
  for (const { summary, table } of files) {
    t.equal(summary.rowCount, 10_000);
    t.same(
      table.batches.map((batch) => batch.numRows),
      lengths,
    );
  }
  const bytes = lengths.map((_, batch) =>
    files.reduce((sum, file) => sum + dataBytes(file.table.batches[batch]!.data), 0),
  );
  t.ok(Math.max(...bytes) <= bytesPerBatch, "no batch has more");
  t.ok(Math.min(...bytes.slice(0, -1)) > bytesPerBatch * 0.99, "none ends much earlier");
  const texts = [...files[1]!.table.getChild("text")!].map(String);
  t.ok(
    texts.every((text, i) => text === "x".repeat(i % 100)),
    "the values are right",
  );
});

/** Values and offsets, without the first offset and the bitmaps. */
function dataBytes({ values, valueOffsets, children }: Data): number {
  const ends = (valueOffsets as Int32Array | undefined)?.byteLength ?? 4;
  const own = ArrayBuffer.isView(values) ? values.byteLength : 0;
  return children.reduce((sum, child) => sum + dataBytes(child), own + ends - 4);
}

t.test("a row that is too large by itself is a batch by itself", async (t) => {
  const sql = "SELECT i, repeat('x', CASE WHEN i IN (0, 5, 6, 9) THEN 5000 ELSE 10 END) AS text FROM range(10) t(i)";
  const files = await write(t, sql, { bytesPerBatch: 1000 });
  for (const { table } of files) {
    t.same(
      table.batches.map((batch) => batch.numRows),
      [1, 4, 1, 1, 2, 1],
    );
  }
});

t.test("rows and bytes limit a batch, whichever comes first", async (t) => {
  const sql = "SELECT repeat('x', CASE WHEN i < 50 THEN 10 ELSE 90 END) AS text FROM range(100) t(i)";
  const files = await write(t, sql, { rowsPerBatch: 20, bytesPerBatch: 940 });
  t.same(
    files[0]!.table.batches.map((batch) => batch.numRows),
    [20, 20, 18, 10, 10, 10, 10, 2],
  );
});

t.test("no file stays open when one of a set cannot be written", async (t) => {
  const connection = await openDuckDB(t);
  const directory = temporaryDirectory(t);
  const result = await connection.stream("SELECT 1 AS a, '1'::BIT AS b");
  const files = ["a", "b"].map((name, index) => ({
    path: join(directory, `${name}.arrow`),
    columns: [{ name, index, type: result.columnType(index) }],
  }));
  t.throws(() => openArrowFiles(files), { name: "UnsupportedType" });
});
