import { sql } from "kysely";
import tap from "tap";
import { type DatabaseHandle, inTransaction, openDatabase } from "#persistence/index.ts";
import { createStatementNames } from "../../src/persistence/kept-statements.ts";
import { openTestDatabase, skipPostgres } from "./databases.ts";

const skip = skipPostgres();

async function keptTexts({ db }: DatabaseHandle): Promise<string[]> {
  const { rows } = await sql<{ statement: string }>`select statement from pg_prepared_statements`.execute(db);
  return rows.map(({ statement }) => statement);
}

const rowsOf = async (db: DatabaseHandle["db"]) => (await sql`select * from kept where n = ${1}`.execute(db)).rows;

await tap.test("the server keeps statements that come again, and no others", { skip }, async (t) => {
  const { options } = await openTestDatabase(t, "postgres");
  await using handle = await openDatabase({ ...(options as { kind: "postgres"; url: string }), poolSize: 1 });
  await sql`create table kept (n integer)`.execute(handle.db);
  for (let times = 0; times < 5; times++) await rowsOf(handle.db);
  await sql`select * from kept where n = ${1} or n = ${2}`.execute(handle.db);
  t.same(await keptTexts(handle), ["select * from kept where n = $1"]);
});

await tap.test("a kept statement goes on when its table has another column", { skip }, async (t) => {
  const { options } = await openTestDatabase(t, "postgres");
  await using handle = await openDatabase({ ...(options as { kind: "postgres"; url: string }), poolSize: 1 });
  await sql`create table kept (n integer)`.execute(handle.db);
  await sql`insert into kept values (1)`.execute(handle.db);
  for (let times = 0; times < 5; times++) t.same(await rowsOf(handle.db), [{ n: 1 }]);

  await sql`alter table kept add column more text`.execute(handle.db);
  t.same(await rowsOf(handle.db), [{ n: 1, more: null }], "by itself");

  await sql`alter table kept add column most text`.execute(handle.db);
  let runs = 0;
  const rows = await inTransaction(handle.db, async (tx) => {
    runs += 1;
    return rowsOf(tx);
  });
  t.same(rows, [{ n: 1, more: null, most: null }], "in a transaction");
  t.equal(runs, 2, "which is run again");
});

await tap.test("a failed statement that is kept fails as others do", { skip }, async (t) => {
  const { handle } = await openTestDatabase(t, "postgres");
  await sql`create table kept (n integer primary key)`.execute(handle.db);
  const insert = async (n: unknown) => sql`insert into kept values (${n})`.execute(handle.db);
  for (let n = 0; n < 5; n++) await insert(n);
  const errorOf = async (n: unknown) => insert(n).catch((error: unknown) => error);
  t.match(await errorOf(1), { sqlState: "23505", constraint: "kept_pkey" });
  t.match(await errorOf("text"), { sqlState: "22P02" });
});

await tap.test("names are given to what comes again, and not without end", async (t) => {
  const names = createStatementNames();
  t.equal(names.nameOf("a"), undefined);
  t.equal(names.nameOf("a"), undefined);
  const name = names.nameOf("a");
  t.ok(name);
  t.equal(names.nameOf("a"), name);
  names.rename("a");
  t.not(names.nameOf("a"), name);
  const given = new Set<string | undefined>();
  for (let n = 0; n < 1_000; n++) for (let use = 0; use < 3; use++) given.add(names.nameOf(`select ${n}`));
  t.equal(given.size, 500, "499 and none");
});
