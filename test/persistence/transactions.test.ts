import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import tap from "tap";
import {
  DatabaseError,
  type DatabaseHandle,
  executeLast,
  inTransaction,
  isUniqueViolation,
  openDatabase,
} from "#persistence/index.ts";
import { isForeignKeyViolation } from "../../src/persistence/database-error.ts";
import { openTestDatabase, skipPostgres, withDatabases } from "./databases.ts";

const SECRET = "330302190001010012";

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

async function createTable(handle: DatabaseHandle): Promise<void> {
  await sql`create table numbers (n integer primary key, text text, parent integer references numbers)`.execute(
    handle.db,
  );
}

async function countNumbers(handle: DatabaseHandle): Promise<number | undefined> {
  const { rows } = await sql<{ count: number }>`select count(*) as count from numbers`.execute(handle.db);
  return rows[0]?.count;
}

await withDatabases(tap, "a transaction is kept whole or not at all", async (t, { handle }) => {
  await createTable(handle);
  await inTransaction(handle.db, async (tx) => await sql`insert into numbers values (1)`.execute(tx));
  await t.rejects(
    inTransaction(handle.db, async (tx) => {
      await sql`insert into numbers values (2)`.execute(tx);
      throw new Error("stop");
    }),
    { message: "stop" },
  );
  t.equal(await countNumbers(handle), 1);
});

await withDatabases(tap, "a transaction that an error aborted does not pass for committed", async (t, { handle }) => {
  await createTable(handle);
  const work = inTransaction(handle.db, async (tx) => {
    await sql`insert into numbers values (1)`.execute(tx);
    t.ok(isUniqueViolation(await errorOf(sql`insert into numbers values (1)`.execute(tx))));
  });
  await t.rejects(work, { message: /rolled back/ });
  t.equal(await countNumbers(handle), 0);
});

await withDatabases(
  tap,
  "the last statement of a transaction is kept with it, or fails with it",
  async (t, { handle }) => {
    await createTable(handle);
    await inTransaction(handle.db, async (tx) => {
      await sql`insert into numbers values (1)`.execute(tx);
      await executeLast(tx, sql`insert into numbers values (2)`);
    });
    await inTransaction(handle.db, async (tx) => executeLast(tx, sql`insert into numbers values (3)`));
    t.equal(await countNumbers(handle), 3);
    const failing = inTransaction(handle.db, async (tx) => {
      await sql`insert into numbers values (4)`.execute(tx);
      await executeLast(tx, sql`insert into numbers values (1)`);
    });
    t.ok(isUniqueViolation(await errorOf(failing)));
    const runs: number[] = [];
    const again = inTransaction(handle.db, async (tx) => {
      runs.push(runs.length);
      await sql`insert into numbers values (${10 + runs.length})`.execute(tx);
      const refused = sql`do $$ begin raise exception 'again' using errcode = 'serialization_failure'; end $$`;
      await executeLast(tx, runs.length === 1 ? refused : sql`insert into numbers values (20)`);
    });
    await again;
    const { rows } = await sql<{ n: number }>`select n from numbers order by n`.execute(handle.db);
    t.same(
      rows.map(({ n }) => n),
      [1, 2, 3, 12, 20],
      "nothing is left of what failed, and what may be run again was",
    );
  },
);

await tap.test("nothing comes after the last statement of a transaction", { skip: skipPostgres() }, async (t) => {
  const { handle } = await openTestDatabase(t, "postgres");
  await createTable(handle);
  const late = inTransaction(handle.db, async (tx) => {
    await executeLast(tx, sql`insert into numbers values (1)`);
    await sql`insert into numbers values (2)`.execute(tx);
  });
  await t.rejects(late, { message: /came after the last one/ });
  t.equal(await countNumbers(handle), 1);
  await inTransaction(handle.db, async (tx) => sql`insert into numbers values (3)`.execute(tx));
  t.equal(await countNumbers(handle), 2, "the connection goes on");
});

await withDatabases(tap, "transactions at once do not mix", async (t, { handle }) => {
  await createTable(handle);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 12 }, async (_, n) => {
      await inTransaction(handle.db, async (tx) => {
        await sql`insert into numbers values (${n})`.execute(tx);
        await sleep(n % 3);
        await sql`insert into numbers values (${100 + n})`.execute(tx);
        if (n % 2 === 1) throw new Error("odd");
      });
    }),
  );
  t.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 6);
  t.equal(await countNumbers(handle), 12);
});

await withDatabases(tap, "violations are recognised and carry no value of a row", async (t, { handle }) => {
  await createTable(handle);
  await sql`create table secrets (id text constraint secrets_id unique)`.execute(handle.db);
  const insert = async () => await sql`insert into secrets values (${SECRET})`.execute(handle.db);
  await insert();
  const unique = await errorOf(insert());
  t.ok(isUniqueViolation(unique));
  t.ok(isUniqueViolation(unique, "secrets_id"));
  t.notOk(isUniqueViolation(unique, "another"));
  const foreign = await errorOf(sql`insert into numbers values (1, '', 7)`.execute(handle.db));
  t.ok(isForeignKeyViolation(foreign));
  const invalid = await errorOf(sql`select cast(${`x${SECRET}`} as integer)`.execute(handle.db));
  for (const error of [unique, foreign, invalid]) {
    t.type(error, DatabaseError);
    t.notMatch(textOf(error), SECRET);
  }
});

/** Everything that a logger could write of an error. */
function textOf(error: unknown): string {
  const fields = Object.fromEntries(Object.entries(error as object));
  return `${JSON.stringify(fields)} ${(error as Error).message} ${(error as Error).stack} ${String((error as Error).cause)}`;
}

await withDatabases(tap, "serialization failures are tried again, other errors are not", async (t, { handle }) => {
  let attempts = 0;
  const raise = async (state: string, failures: number) => {
    attempts = 0;
    await inTransaction(handle.db, async (tx) => {
      attempts += 1;
      if (attempts <= failures) await sql.raw(`do $$ begin raise sqlstate '${state}'; end $$`).execute(tx);
    });
  };
  await raise("40001", 2);
  t.equal(attempts, 3);
  await raise("40P01", 1);
  t.equal(attempts, 2);
  t.match(await errorOf(raise("40001", 100)), { sqlState: "40001" });
  t.equal(attempts, 6);
  t.match(await errorOf(raise("23514", 1)), { sqlState: "23514" });
  t.equal(attempts, 1);
});

await tap.test("a deadlock of two transactions resolves itself", { skip: skipPostgres() }, async (t) => {
  const { handle } = await openTestDatabase(t, "postgres");
  await createTable(handle);
  await sql`insert into numbers values (1), (2)`.execute(handle.db);
  const swap = async (first: number, second: number) =>
    await inTransaction(handle.db, async (tx) => {
      await sql`update numbers set text = 'a' where n = ${first}`.execute(tx);
      await sleep(100);
      await sql`update numbers set text = 'b' where n = ${second}`.execute(tx);
    });
  await t.resolves(Promise.all([swap(1, 2), swap(2, 1)]));
});

await withDatabases(
  tap,
  "a closed database refuses every statement, and closing it twice is nothing",
  async (t, { handle }) => {
    await handle[Symbol.asyncDispose]();
    await handle[Symbol.asyncDispose]();
    t.match(await errorOf(sql`select 1`.execute(handle.db)), { message: /destroyed/ });
    t.match(await errorOf(inTransaction(handle.db, async () => {})), { message: /destroyed/ });
  },
);

await tap.test("a server that is not there is database_unavailable", async (t) => {
  const open = openDatabase({ kind: "postgres", url: "postgres://sluice:geheim@127.0.0.1:9/x" });
  const error = await errorOf(open);
  t.match(error, { code: "database_unavailable" });
  t.notMatch(textOf(error), "geheim");
});

await tap.test(
  "connections that the server ends are database_unavailable, then replaced",
  { skip: skipPostgres() },
  async (t) => {
    const { handle } = await openTestDatabase(t, "postgres");
    const own = sql<{ pid: number }>`select pg_backend_pid() as pid`;
    const broken = handle.db.transaction().execute(async (tx) => {
      const { rows } = await own.execute(tx);
      await sql`select pg_terminate_backend(${rows[0]?.pid})`.execute(handle.db);
      await sleep(50);
      await own.execute(tx);
    });
    await t.rejects(broken, { code: "database_unavailable" });
    t.equal((await own.execute(handle.db)).rows.length, 1);
  },
);
