import { Value } from "typebox/value";
import t from "tap";
import { ReleasedTable } from "#contract/release.ts";
import { openDuckDB } from "../arrow/duckdb.ts";
import { arrowOf, render } from "./tables.ts";

t.test("JSON has the form of ReleasedTable, with its notes", async (t) => {
  const connection = await openDuckDB(t);
  const bytes = await arrowOf(
    connection,
    `SELECT 9007199254740993 AS i, 1::INTEGER AS n, sum(x) AS h, 1.10::DECIMAL(38,2) AS d, 'nan'::DOUBLE AS nan,
       '-inf'::FLOAT AS inf, 0.1::FLOAT AS f, DATE '2024-02-29' AS day, DATE '-0043-03-15' AS old, DATE 'infinity' AS never,
       TIMESTAMP '2024-01-01 10:00:00.5' AS ts, TIMESTAMPTZ '2024-01-01 10:00:00+08' AS tz, INTERVAL '14 months -3 days' AS iv,
       'ab'::BLOB AS b, UUID 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' AS u, MAP {'k': 1.5} AS m, {'a': NULL, 'b': [1]} AS s, NULL AS nothing
     FROM (SELECT 9223372036854775807 AS x UNION ALL SELECT 9223372036854775807)`,
  );
  const notes = [{ rule: "R1", message: "two cells were suppressed" }];
  const table: unknown = JSON.parse(render(bytes, { format: "json", suppressed: 2, notes }).toString("utf8"));
  if (!Value.Check(ReleasedTable, table)) throw new Error("not a ReleasedTable");
  t.equal(table.suppressed, 2);
  t.same(table.notes, notes);
  const row = Object.fromEntries(table.columns.map(({ name }, i) => [name, table.rows[0]![i]]));
  t.same(row, {
    i: "9007199254740993",
    n: 1,
    h: "18446744073709551614",
    d: "1.10",
    nan: "NaN",
    inf: "-Infinity",
    f: 0.1,
    day: "2024-02-29",
    old: "-000043-03-15",
    never: "infinity",
    ts: "2024-01-01T10:00:00.5",
    tz: "2024-01-01T02:00:00Z",
    iv: "P14M-3D",
    b: "YWI=",
    u: "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    m: [{ key: "k", value: "1.5" }],
    s: { a: null, b: [1] },
    nothing: null,
  });
  t.equal(table.columns.find(({ name }) => name === "h")!.type, "HUGEINT");
});

t.test("a table without rows is one", async (t) => {
  const connection = await openDuckDB(t);
  const table: unknown = JSON.parse(
    render(await arrowOf(connection, "SELECT 1 AS a WHERE false"), { format: "json" }).toString(),
  );
  t.same(table, { columns: [{ name: "a", type: "INTEGER" }], rows: [], suppressed: 0, notes: [] });
});
