import { type Expression, sql } from "kysely";
import tap, { type Test } from "tap";
import { type Database, json } from "#persistence/index.ts";
import { withDatabases } from "./databases.ts";

const readings: [what: string, expression: string, value: unknown][] = [
  ["int2", "7::int2", 7],
  ["int4", "(-2147483648)::int4", -2147483648],
  ["int8", "9007199254740991::int8", 9007199254740991],
  ["count", "(select count(*) from generate_series(1, 3))", 3],
  ["numeric", "12345678901234567890.10::numeric", "12345678901234567890.10"],
  ["float8", "0.1::float8", 0.1],
  ["bool", "true", true],
  ["text", "'数闸 \"x\"'", '数闸 "x"'],
  ["date", "'2026-02-28'::date", "2026-02-28"],
  ["timestamptz", "'2026-02-28 08:00:00.123+08'::timestamptz", new Date("2026-02-28T00:00:00.123Z")],
  ["timestamptz of a half-hour zone", "'2026-02-28 08:00:00+05:30'::timestamptz", new Date("2026-02-28T02:30:00Z")],
  ["jsonb object", `'{"a":[1,"2",null]}'::jsonb`, { a: [1, "2", null] }],
  ["jsonb array", "'[1,2]'::jsonb", [1, 2]],
  ["jsonb string", `'"x"'::jsonb`, "x"],
  ["jsonb null", "'null'::jsonb", null],
  ["bytea", "'\\x00ff10'::bytea", new Uint8Array([0, 255, 16])],
  ["text[]", `array['a', 'b,"c"', null, '{}']`, ["a", 'b,"c"', null, "{}"]],
  ["empty text[]", "array[]::text[]", []],
  ["int8[]", "array[1, 2]::int8[]", [1, 2]],
  ["numeric[]", "array[1.50]::numeric[]", ["1.50"]],
  ["date[]", "array['2026-01-01']::date[]", ["2026-01-01"]],
  ["timestamptz[]", "array['2026-01-01 00:00:00+00']::timestamptz[]", [new Date("2026-01-01T00:00:00Z")]],
  ["null", "null::int8", null],
];

async function read(db: Database, expression: Expression<unknown>): Promise<unknown> {
  const { rows } = await sql<{ value: unknown }>`select ${expression} as value`.execute(db);
  return rows[0]?.value;
}

await withDatabases(tap, "every type reads as the same JavaScript value", async (t, { handle }) => {
  for (const [what, expression, value] of readings) {
    t.strictSame(await read(handle.db, sql.raw(expression)), value, what);
  }
  t.equal((await read(handle.db, sql.raw("'\\x00'::bytea")))?.constructor, Uint8Array);
});

await withDatabases(tap, "an int8 beyond the safe integers is refused, not rounded", async (t, { handle }) => {
  await t.rejects(read(handle.db, sql.raw("9007199254740993::int8")), { name: "RangeError" });
});

const written: [what: string, value: unknown][] = [
  ["an object", { a: 1, b: { c: ["x"] } }],
  ["an array", [1, "a", null, { b: [] }]],
  ["an array of texts", ["a", "b"]],
  ["an empty array", []],
  ["a text", 'say "数闸"'],
  ["a text that looks like JSON", "[1]"],
  ["a number", 1e-7],
  ["a boolean", false],
  ["null", null],
];

await withDatabases(tap, "json() writes any JSON value to jsonb", async (t, { handle }) => {
  for (const [what, value] of written) t.strictSame(await read(handle.db, json(value)), value, what);
  t.throws(() => json(undefined), { name: "TypeError" });
});

await withDatabases(tap, "parameters of each type go in and come out", async (t, { handle }) => {
  const instant = new Date("2026-05-06T07:08:09.010Z");
  const parameters: [unknown, string][] = [
    [instant, "timestamptz"],
    [["a", 'b"c', "{d}"], "text[]"],
    [[], "text[]"],
    [new Uint8Array([1, 2, 255]), "bytea"],
    ["2026-05-06", "date"],
    [9007199254740991, "int8"],
    ["12.340", "numeric"],
    [true, "boolean"],
    [null, "text"],
  ];
  for (const [value, type] of parameters) {
    t.strictSame(await read(handle.db, sql`cast(${value} as ${sql.raw(type)})`), value, type);
  }
});

await withDatabases(tap, "affected rows are counted alike", async (t: Test, { handle }) => {
  await sql`create table counted (n integer)`.execute(handle.db);
  const insert = await sql`insert into counted values (${1}), (${2})`.execute(handle.db);
  const remove = await sql`delete from counted where n = ${1}`.execute(handle.db);
  t.equal(insert.numAffectedRows, 2n);
  t.equal(remove.numAffectedRows, 1n);
});
