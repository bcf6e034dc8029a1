import pg from "pg";
import t from "tap";
import { createTestDatabase, skipPostgres } from "../../persistence/databases.ts";
import { columns, failure, ingest } from "./versions.ts";

t.test("a PostgreSQL table becomes a version", { skip: skipPostgres() }, async (t) => {
  const options = await createTestDatabase(t, "postgres");
  if (options.kind !== "postgres") throw new Error("a PostgreSQL was asked for");
  const { url } = options;
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  t.teardown(async () => await client.end());
  await client.query(`
    CREATE SCHEMA "Stadt";
    CREATE DOMAIN money_amount AS numeric(12,2);
    CREATE TYPE mood AS ENUM ('gut', 'schlecht');
    CREATE TABLE "Stadt"."Resi""dents" (
      id text, "Full Name" varchar(40), b boolean, i2 smallint, i4 integer, i8 bigint, amount money_amount, free numeric,
      wide numeric, f4 real, f8 double precision, d date, tm time, ts timestamp, tz timestamptz, u uuid, bin bytea, iv interval,
      ints integer[], texts text[], m mood, j jsonb, hidden text);
    INSERT INTO "Stadt"."Resi""dents" VALUES
      ('330302199001011234', E'quo"te,\\nline', true, -32768, 2147483647, -9223372036854775808, 1234567890.12, 123.450,
       123456789012345678901234567890123456789012345, 0.1, 1e-300, '2024-02-29', '01:02:03.456789', '1969-12-31 23:59:59.999999',
       '2024-01-01 00:00:00+08', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '\\x00ff0a22', '1 year 2 days 03:04:05.5',
       '{1,NULL,3}', '{"a,b","NULL",NULL,"q\\"x"}', 'gut', '{"a": [1]}', 'not to be read'),
      ('007', '', false, 0, 0, 0, -0.01, -0.5, 1, 'NaN', '-Infinity', 'infinity', '00:00', '2024-01-01', NULL, NULL, '\\x', NULL,
       '{}', NULL, NULL, NULL, NULL),
      ('x', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       NULL, NULL, NULL)`);

  const names = [
    "id",
    "Full Name",
    "b",
    "i2",
    "i4",
    "i8",
    "amount",
    "free",
    "wide",
    "f4",
    "f8",
    "d",
    "tm",
    "ts",
    "tz",
    "u",
  ];
  const declared = columns(
    Object.fromEntries([...names, "bin", "iv", "ints", "texts", "m", "j"].map((name) => [name, "public" as const])),
  );
  const source = { postgres: url, table: 'Stadt.Resi"dents' };
  const version = await ingest(t, { source, columns: declared, subjectKey: "id" });
  const expected: Record<string, [type: string, first: unknown, second: unknown]> = {
    id: ["UINTEGER", "330302199001011234", "007"],
    "Full Name": ["VARCHAR", 'quo"te,\nline', ""],
    b: ["BOOLEAN", true, false],
    i2: ["SMALLINT", -32768, 0],
    i4: ["INTEGER", 2147483647, 0],
    i8: ["BIGINT", "-9223372036854775808", "0"],
    amount: ["DECIMAL(12,2)", "1234567890.12", "-0.01"],
    free: ["DECIMAL(6,3)", "123.450", "-0.500"],
    wide: ["VARCHAR", "123456789012345678901234567890123456789012345", "1"],
    f4: ["FLOAT", 0.1, "NaN"],
    f8: ["DOUBLE", 1e-300, "-Infinity"],
    d: ["DATE", "2024-02-29", "infinity"],
    tm: ["TIME", "01:02:03.456789", "00:00:00"],
    ts: ["TIMESTAMP", "1969-12-31T23:59:59.999999", "2024-01-01T00:00:00"],
    tz: ["TIMESTAMP WITH TIME ZONE", "2023-12-31T16:00:00Z", null],
    u: ["UUID", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", null],
    bin: ["BLOB", "AP8KIg==", ""],
    iv: ["INTERVAL", "P12M2DT11045.5S", null],
    ints: ["INTEGER[]", [1, null, 3], []],
    texts: ["VARCHAR[]", ["a,b", "NULL", null, 'q"x'], null],
    m: ["VARCHAR", "gut", null],
    j: ["VARCHAR", '{"a": [1]}', null],
  };
  for (const [name, [type, first, second]] of Object.entries(expected)) {
    t.equal(version.type(name), type, name);
    t.same((name === "id" ? version.keys() : version.values(name)).slice(0, 2), [first, second], name);
    if (name !== "id") t.equal(version.values(name)[2], null, `${name} is NULL`);
  }

  const missing = await failure(t, { source, columns: columns({ id: "public", nope: "public" }) });
  t.same([missing.code, missing.details?.["column"]], ["ingest_failed", "nope"]);
  const noTable = await failure(t, {
    source: { postgres: url, table: "stadt.residents" },
    columns: columns({ id: "public" }),
  });
  t.equal(noTable.code, "ingest_failed");
  const noSubject = await failure(t, { source, subjectKey: "f8", columns: columns({ f8: "subject_key" }) });
  t.same(noSubject.details, { row: 3, column: "f8" });
});

t.test("a database that cannot be reached is told without its address", async (t) => {
  const source = { postgres: "postgres://someone:hidden@127.0.0.1:1/none", table: "t" };
  const error = await failure(t, { source, columns: columns({ a: "public" }) });
  t.equal(error.code, "ingest_failed");
  t.notOk(`${error.message}${String(error.cause)}`.includes("hidden"));
});
