import t from "tap";
import { renderTable } from "../../src/engine/render/index.ts";
import type { ReleasedTable } from "../../src/contract/release.ts";
import { queryParts } from "./script-table.ts";
import { makeProgram, type RunOptions, startIsolate, table } from "./supervisor.ts";

const program = makeProgram();
const isolate = await startIsolate(program.entry);
t.teardown(async () => {
  await isolate[Symbol.asyncDispose]();
  program.remove();
});

async function value(script: string, options: RunOptions): Promise<unknown> {
  const { outputs, done } = await isolate.run(script, options);
  if (done?.ok !== true) throw new Error(done?.message);
  return JSON.parse(outputs[0]?.text ?? "");
}

/** How a value is told from others of the same JSON. */
const TOLD = `const tell = (v) => typeof v === "bigint" ? "big " + v : typeof v === "number" ? "num " + (Object.is(v, -0) ? "-0" : v)
  : Array.isArray(v) ? v.map(tell) : v !== null && typeof v === "object" ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, tell(x)])) : v;`;

type Cell = null | boolean | number | string | readonly Cell[];

/** What a release's JSON says of a cell, in the words of `tell`. */
function told(cell: Cell, type: string): unknown {
  if (cell === null || typeof cell === "boolean") return cell;
  const item = /^(.*)\[\d*\]$/.exec(type)?.[1];
  if (item !== undefined) return (cell as readonly Cell[]).map((one) => told(one, item));
  const text = Object.is(cell, -0) ? "-0" : String(cell);
  if (/^(U?BIGINT|U?HUGEINT)$/.test(type)) return Number.isSafeInteger(Number(text)) ? `num ${text}` : `big ${text}`;
  if (type.startsWith("DECIMAL")) return toldDecimal(text);
  return typeof cell === "number" || /^(DOUBLE|FLOAT)$/.test(type) ? `num ${text}` : cell;
}

function toldDecimal(text: string): unknown {
  const [, whole = "", fraction = ""] = /^-?0*(\d*)\.?(\d*)$/.exec(text) ?? [];
  return whole.length + fraction.length <= 15 ? `num ${Number(text)}` : text;
}

const COLUMNS: readonly (readonly [type: string, values: readonly string[]])[] = [
  ["BOOLEAN", ["true", "false"]],
  ["TINYINT", ["-128", "127"]],
  ["UTINYINT", ["0", "255"]],
  ["SMALLINT", ["-32768", "32767"]],
  ["USMALLINT", ["65535"]],
  ["INTEGER", ["-2147483648", "2147483647"]],
  ["UINTEGER", ["4294967295"]],
  [
    "BIGINT",
    [
      "0",
      "-1",
      "9007199254740991",
      "-9007199254740991",
      "9007199254740992",
      "-9007199254740993",
      "-9223372036854775808",
    ],
  ],
  ["UBIGINT", ["5", "18446744073709551615"]],
  ["HUGEINT", ["-7", "4294967296", "9007199254740992", "-170141183460469231731687303715884105728"]],
  ["UHUGEINT", ["7", "340282366920938463463374607431768211455"]],
  ["FLOAT", ["0.1", "-3.25", "'nan'", "'inf'"]],
  ["DOUBLE", ["0.1", "-0.0", "1e300", "'nan'", "'-inf'"]],
  ["DECIMAL(4,2)", ["-0.05", "99.99", "0"]],
  ["DECIMAL(9,3)", ["123456.789"]],
  ["DECIMAL(18,2)", ["1234567890123.45", "-12345678901234.56", "0.01"]],
  ["DECIMAL(18,18)", ["0.000000000000000001"]],
  ["DECIMAL(38,10)", ["12345678901234567890.1234567890", "-1.5"]],
  ["VARCHAR", ["''", "'ascii'", "'鹿城区'", "'𠮷 mixed 100% é'", "repeat('长', 300)"]],
  ["BLOB", ["'\\x00\\xFFab'::BLOB", "'abc'::BLOB", "''::BLOB"]],
  ["UUID", ["'4ac7a9e9-607c-4c8a-84f3-843f0191e3fd'"]],
  ["DATE", ["'1970-01-01'", "'2024-02-29'", "'1899-12-31'", "'infinity'", "'0044-03-15 (BC)'", "'12345-01-01'"]],
  ["TIME", ["'00:00:00'", "'23:59:59.000120'"]],
  [
    "TIMESTAMP",
    ["'1970-01-01'", "'1969-12-31 23:59:59.999999'", "'2026-01-31 08:00:00.5'", "'infinity'", "'0001-01-01 (BC)'"],
  ],
  ["TIMESTAMP_S", ["'2026-01-31 08:00:01'"]],
  ["TIMESTAMP_MS", ["'2026-01-31 08:00:00.120'"]],
  ["TIMESTAMP_NS", ["'2026-01-31 08:00:00.123456789'"]],
  ["TIMESTAMP WITH TIME ZONE", ["'2026-01-31 08:00:00+00'"]],
  ["INTERVAL", ["'14 months 3 days 04:05:06.7'", "'-1 day'", "'0 days'"]],
  ["BIGINT[]", ["[1, NULL, 9007199254740993]", "[]"]],
  ["DOUBLE[2]", ["[0.5, 'nan'::DOUBLE]"]],
  ["VARCHAR[][]", ["[['a', '城'], []]"]],
];

t.test("each type arrives as a release writes it, with numbers where they are exact", async (t) => {
  for (const [type, values] of COLUMNS) {
    const rows = [...values, "NULL"].map((one) => `SELECT CAST(${one} AS ${type}) AS v`).join(" UNION ALL ");
    const parts = await queryParts(rows);
    const released = JSON.parse(
      Buffer.from(renderTable(parts[1]!, { format: "json", suppressed: 0, notes: [] })).toString(),
    ) as ReleasedTable;
    const expected = (released.rows as Cell[][]).map(([cell]) => told(cell ?? null, type));
    const seen = await value(
      `${TOLD} const r = await sql("x"); output.json("v", [r.map((row) => tell(row.v)), r.column("v").map(tell), r.rows.map(([v]) => tell(v))])`,
      { answer: () => parts },
    );
    t.strictSame(seen, [expected, expected, expected], type);
  }
});

t.test("structs and maps are objects and lists of { key, value }, values by their types", async (t) => {
  const parts = await queryParts(
    `SELECT {'n': 5::BIGINT, 'd': DATE '2026-01-01', '__proto__': 'x'} AS s, MAP {'a': 1.5::DECIMAL(4,2)} AS m, 'b'::ENUM('a', 'b') AS e UNION ALL SELECT NULL, NULL, NULL`,
  );
  t.strictSame(await value("output.json('v', await sql('x'))", { answer: () => parts }), [
    JSON.parse('{"s":{"n":5,"d":"2026-01-01","__proto__":"x"},"m":[{"key":"a","value":1.5}],"e":"b"}'),
    { s: null, m: null, e: null },
  ]);
});

t.test("a column of numbers without NULL is a typed array of the script's own", async (t) => {
  const parts = await queryParts(
    "SELECT i::INTEGER AS i, i AS n, i / 4 AS d, (i + 9007199254740990)::BIGINT AS large, CASE WHEN i > 0 THEN i END AS part FROM range(3) t(i)",
  );
  const seen = await value(
    `const r = await sql("x"); const kinds = r.columns.map(({ name }) => r.column(name).constructor.name);
     const n = r.column("n"); n[0] = 99; r.column("part")[0] = 1;
     output.json("v", [kinds, [...r.column("n")], r[0].n, r.column("large"), r.column("part"), (() => { try { r.column("none") } catch (e) { return [e.name, e.message] } })()])`,
    { answer: () => parts },
  );
  t.strictSame(seen, [
    ["Int32Array", "Float64Array", "Float64Array", "Array", "Array"],
    [0, 1, 2],
    0,
    [9007199254740990, 9007199254740991, "9007199254740992"],
    [null, 1, 2],
    ["TypeError", "The result has no such column; it has i, n, d, large, part"],
  ]);
});

t.test("a result is an array in every way of asking, whichever comes first", async (t) => {
  const answer = () =>
    table({ a: "INTEGER", b: "VARCHAR" }, [
      [1, "x"],
      [2, "y"],
      [3, "z"],
    ]);
  const ways = [
    "r.map((row) => row.a)",
    "[...r].map((row) => row.a)",
    "Array.from(r, (row) => row.a)",
    "r.concat([]).map((row) => row.a)",
    "Object.values(r).map((row) => row.a)",
    "JSON.parse(JSON.stringify(r)).map((row) => row.a)",
    "r.toArray().map((row) => row.a)",
    "Array.prototype.slice.call(r).map((row) => row.a)",
    "(() => { const seen = []; for (const row of r) seen.push(row.a); return seen })()",
    "(() => { const seen = []; for (const i in r) seen.push(r[i].a); return seen })()",
    "(() => { const [x, y, z] = r; return [x.a, y.a, z.a] })()",
    "[r.at(0).a, r[1].a, r.find((row) => row.a === 3).a]",
    "(Object.freeze(r), r.flatMap((row) => [row.a]))",
    "[Object.getOwnPropertyDescriptor(r, '0').value.a, 2, '2' in r ? 3 : 0]",
  ];
  for (const way of ways)
    t.same(await value(`const r = await sql("x"); output.json("v", ${way})`, { answer }), [1, 2, 3], way);
  const facts =
    "[Array.isArray(r), r.length, Object.isFrozen(r), Object.isFrozen(r[0]), 3 in r, Object.keys(r), r instanceof Array]";
  t.same(await value(`const r = await sql("x"); output.json("v", ${facts})`, { answer }), [
    true,
    3,
    true,
    true,
    false,
    ["0", "1", "2"],
    true,
  ]);
});

t.test("results of no rows and of several batches are read whole", async (t) => {
  const none = await queryParts("SELECT 1::BIGINT AS n, 'x' AS s WHERE false");
  t.same(
    await value(
      `const r = await sql("x"); output.json("v", [r.length, r.rows, r.toArray(), r.column("n"), r.columns.map((c) => c.name)])`,
      { answer: () => none },
    ),
    [0, [], [], [], ["n", "s"]],
  );
  const many = await queryParts(
    "SELECT i AS n, 'v' || i AS s, CASE WHEN i % 2 = 0 THEN i END AS h FROM range(300000) t(i)",
  );
  t.same(
    await value(
      `const r = await sql("x"); const n = r.column("n"), s = r.column("s"), h = r.column("h");
       output.json("v", [r.length, n.every((v, i) => v === i), s.every((v, i) => v === "v" + i), h.every((v, i) => v === (i % 2 ? null : i)), r[299999]])`,
      { answer: () => many },
    ),
    [300000, true, true, true, { n: 299999, s: "v299999", h: null }],
  );
});

t.test("the bytes of results count against the script's memory", async (t) => {
  const parts = await queryParts("SELECT i AS n FROM range(500000) t(i)");
  const { done } = await isolate.run(
    `const kept = []; for (let i = 0; i < 100; i++) kept.push(await sql("x")); output.json("v", kept.length)`,
    {
      answer: () => parts,
      limits: { memoryMb: 64 },
    },
  );
  t.equal(done?.code, "memory_limit", done?.message ?? "process ended");
});
