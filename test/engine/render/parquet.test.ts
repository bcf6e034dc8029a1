import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { everyType, openDuckDB, temporaryDirectory, TYPE_COLUMNS } from "../arrow/duckdb.ts";
import { arrowOf, render } from "./tables.ts";

const AS_TEXT: Readonly<Record<string, string>> = { uhugeint: "VARCHAR", hugeint: "VARCHAR" };
const OTHER_TYPE: Readonly<Record<string, string>> = {
  enumeration: "VARCHAR",
  fixed_list: "INTEGER[]",
  timestamp_s: "TIMESTAMP",
  timestamp_ms: "TIMESTAMP",
};

t.test("DuckDB reads our Parquet back with equal types and values", async (t) => {
  const connection = await openDuckDB(t);
  const sql = everyType(2500);
  const path = join(temporaryDirectory(t), "x.parquet");
  const notes = [{ rule: "R1", message: "small cells" }];
  writeFileSync(path, render(await arrowOf(connection, sql), { format: "parquet", suppressed: 3, notes }));
  const types = async (from: string) => {
    const reader = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${from}`);
    return new Map(reader.getRows().map((row) => [String(row[0]), String(row[1])]));
  };
  const [written, original] = [await types(`read_parquet('${path}')`), await types(`(${sql})`)];
  await connection.run(`CREATE TABLE original AS ${sql}`);
  for (const name of Object.keys(TYPE_COLUMNS)) {
    t.equal(written.get(name), AS_TEXT[name] ?? OTHER_TYPE[name] ?? original.get(name), name);
    const cast = AS_TEXT[name] ? `CAST(o.${name} AS VARCHAR)` : `o.${name}`;
    const reader = await connection.runAndReadAll(
      `SELECT count(*) FROM original o JOIN read_parquet('${path}') p USING (row_number) WHERE ${cast} IS NOT DISTINCT FROM p.${name}`,
    );
    t.equal(Number(reader.getRows()[0]![0]), 2500, `${name} is equal in all rows`);
  }
  const metadata = await connection.runAndReadAll(
    `SELECT decode(value) FROM parquet_kv_metadata('${path}') WHERE key = 'sluice'`,
  );
  t.same(JSON.parse(String(metadata.getRows()[0]![0])), { suppressed: 3, notes, asText: ["hugeint", "uhugeint"] });
  const statistics = await connection.runAndReadAll(
    `SELECT count(*) FROM parquet_metadata('${path}') WHERE stats_min IS NOT NULL OR stats_max IS NOT NULL OR stats_min_value IS NOT NULL`,
  );
  t.equal(Number(statistics.getRows()[0]![0]), 0, "no value stands in the statistics");
});

t.test("a HUGEINT that fits 38 digits stays a number, and a table may be empty", async (t) => {
  const connection = await openDuckDB(t);
  const path = join(temporaryDirectory(t), "x.parquet");
  writeFileSync(
    path,
    render(await arrowOf(connection, "SELECT sum(i) AS s FROM range(10) t(i)"), { format: "parquet" }),
  );
  const reader = await connection.runAndReadAll(`SELECT typeof(s), CAST(s AS VARCHAR) FROM '${path}'`);
  t.same(reader.getRows(), [["DECIMAL(38,0)", "45"]]);
  writeFileSync(
    path,
    render(await arrowOf(connection, "SELECT 1 AS a, [1] AS l, {'x': 1} AS s WHERE false"), { format: "parquet" }),
  );
  const empty = await connection.runAndReadAll(`SELECT count(*) FROM '${path}'`);
  t.equal(Number(empty.getRows()[0]![0]), 0);
});
