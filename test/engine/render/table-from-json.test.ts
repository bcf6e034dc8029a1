import t from "tap";
import { OutputTooLarge } from "#engine/arrow/index.ts";
import { InvalidTable, tableFromJson } from "#engine/render/index.ts";
import { everyType, openDuckDB, TYPE_COLUMNS } from "../arrow/duckdb.ts";
import { arrowOf, render } from "./tables.ts";

const LIMITS = { maxRows: 10_000, maxBytes: 10_000_000 };

function rendered(bytes: Uint8Array): { columns: { name: string; type: string }[]; rows: unknown[][] } {
  return JSON.parse(render(bytes, { format: "json" }).toString("utf8")) as ReturnType<typeof rendered>;
}

t.test("types are inferred over all rows", async (t) => {
  const table = tableFromJson(
    {
      rows: [
        { b: true, i: 1, d: 1, s: "x", n: null, z: 0 },
        { b: null, i: -5, d: 0.5, s: "温州 with more than twelve bytes", n: null, z: -0, late: 3 },
      ],
    },
    LIMITS,
  );
  t.same(
    table.columns.map(({ name, type }) => `${name} ${type}`),
    ["b BOOLEAN", "i BIGINT", "d DOUBLE", "s VARCHAR", "n VARCHAR", "z DOUBLE", "late BIGINT"],
  );
  t.equal(table.rowCount, 2);
  t.same(rendered(table.bytes).rows, [
    [true, "1", 1, "x", null, 0, null],
    [null, "-5", 0.5, "温州 with more than twelve bytes", null, 0, "3"],
  ]);
});

t.test("rows as lists need columns; declared types hold", async (t) => {
  const columns = [
    { name: "day", type: "DATE" },
    { name: "amount", type: "decimal(12, 2)" },
    { name: "mixed", type: "VARCHAR" },
    { name: "big", type: "HUGEINT" },
  ];
  const table = tableFromJson(
    {
      columns,
      rows: [
        ["2024-02-29", "1.5", 1, "170141183460469231731687303715884105727"],
        ["2024-03-01", -2, { a: [1] }, null],
      ],
    },
    LIMITS,
  );
  const { rows, columns: found } = rendered(table.bytes);
  t.same(
    found.map(({ type }) => type),
    ["DATE", "DECIMAL(12,2)", "VARCHAR", "HUGEINT"],
  );
  t.same(rows, [
    ["2024-02-29", "1.50", "1", "170141183460469231731687303715884105727"],
    ["2024-03-01", "-2.00", '{"a":[1]}', null],
  ]);
});

t.test("a query's result goes through a script unchanged", async (t) => {
  const connection = await openDuckDB(t);
  const names = Object.keys(TYPE_COLUMNS).filter((name) => !/list|structure|nested/.test(name));
  const bytes = await arrowOf(connection, `SELECT ${names.join(", ")} FROM (${everyType(500)})`);
  const before = rendered(bytes);
  const table = tableFromJson(before, LIMITS);
  t.same(rendered(table.bytes), before);
});

t.test("what is no table is refused with output_invalid", async (t) => {
  const many = Array.from({ length: 1001 }, (_, i) => ({ name: `c${i}` }));
  const bad: unknown[] = [
    null,
    1,
    [],
    {},
    { rows: 1 },
    { rows: [1] },
    { rows: [[1], { a: 1 }] },
    { rows: [[1]] },
    { rows: [] },
    { columns: [{ name: "a" }, { name: "a" }], rows: [] },
    { columns: [{ name: "" }], rows: [] },
    { columns: [{ name: "x".repeat(129) }], rows: [] },
    { columns: [{}], rows: [] },
    { columns: "a", rows: [] },
    { columns: many, rows: [] },
    { columns: [{ name: "a" }], rows: [[1, 2]] },
    { columns: [{ name: "a" }], rows: [{ a: 1, b: 2 }] },
    { rows: [{ a: 1 }, { a: "x" }] },
    { rows: [{ a: true }, { a: 1 }] },
    { rows: [{ a: { b: 1 } }] },
    ...(
      [
        ["DATE", "2024-02-30"],
        ["DATE", "yesterday"],
        ["DATE", 5],
        ["BIGINT", 1.5],
        ["BIGINT", "9223372036854775808"],
        ["UTINYINT", -1],
        ["DECIMAL(4,2)", "1.234"],
        ["DECIMAL(4,2)", "100"],
        ["DECIMAL(39,0)", 1],
        ["BOOLEAN", "true"],
        ["DOUBLE", "1"],
        ["FLOAT", 1e300],
        ["UUID", "x"],
        ["BLOB", "?"],
        ["TIME", "24:00:00"],
        ["TIMESTAMP", "2024-01-01T10:00:00.1234567"],
        ["NO SUCH TYPE", 1],
      ] as const
    ).map(([type, value]) => ({ columns: [{ name: "a", type }], rows: [[value]] })),
  ];
  for (const value of bad) {
    const attempt = (): unknown => tableFromJson(value, LIMITS);
    t.throws(attempt, { name: "InvalidTable", code: "output_invalid" }, JSON.stringify(value)?.slice(0, 80));
  }
  t.ok(new InvalidTable("x") instanceof Error);
});

t.test("limits of rows and bytes hold", async (t) => {
  const rows = Array.from({ length: 100 }, () => ({ a: "x".repeat(100) }));
  for (const [limits, limit] of [
    [{ maxRows: 99, maxBytes: 1e6 }, "rows"],
    [{ maxRows: 100, maxBytes: 9000 }, "bytes"],
  ] as const) {
    t.equal(
      limitPassed(() => tableFromJson({ rows }, limits)),
      limit,
    );
  }
});

function limitPassed(attempt: () => unknown): string | undefined {
  try {
    attempt();
    return undefined;
  } catch (error) {
    if (error instanceof OutputTooLarge) return error.limit;
    throw error;
  }
}
