import type { DuckDBConnection } from "@duckdb/node-api";
import t from "tap";
import { ask, openTown, type TownOptions } from "./town-session.ts";

const SQL = "SELECT hospital, count(*) AS n, avg(cost) AS cost FROM visits GROUP BY 1";

/** A session over the town, and the connections on which it runs. */
async function openPlaces(threads: Pick<TownOptions, "threads" | "threadsAlone">) {
  const data: DuckDBConnection[] = [];
  const session = await openTown({ ...threads, onData: (connection) => data.push(connection) });
  return { session, data };
}

const valueOf = async (connection: DuckDBConnection, sql: string): Promise<unknown> =>
  (await connection.runAndReadAll(sql)).getRows()[0]![0];

t.test("a statement that has the machine to itself runs with more threads, to the same bytes", async (t) => {
  const { session, data } = await openPlaces({ threads: 1, threadsAlone: 3 });
  t.teardown(() => session[Symbol.asyncDispose]());
  const threads = await Promise.all(data.map((one) => valueOf(one, "SELECT current_setting('threads')")));
  t.strictSame(threads.map(Number), [1, 3]);
  const counted = async () =>
    Promise.all(data.map((one) => valueOf(one, "SELECT count(*)::int FROM duckdb_tables() WHERE temporary")));
  const beside = await session.query(ask(SQL));
  t.strictSame(await counted(), [1, 0]);
  const again = await session.query({ ...ask(SQL), alone: true });
  t.strictSame(await counted(), [1, 0], "what is known already is not counted again");
  t.strictSame(again.parts.map(String), beside.parts.map(String));
  const other = SQL.replace("GROUP BY", "WHERE cost >= 0 GROUP BY");
  const alone = await session.query({ ...ask(other), alone: true });
  t.strictSame(await counted(), [1, 1]);
  await session.query(ask(other));
  t.strictSame(await counted(), [1, 1], "nor the other way about");
  const elsewhere = await openTown({ threads: 1 });
  t.teardown(() => elsewhere[Symbol.asyncDispose]());
  t.strictSame((await elsewhere.query(ask(other))).parts.map(String), alone.parts.map(String));
  for (const one of data) await t.rejects(one.run("SET threads = 8"), /locked/);
});

t.test("where there are no more threads to have, there is one instance", async (t) => {
  for (const threads of [{ threads: 2 }, { threads: 2, threadsAlone: 2 }]) {
    const { session, data } = await openPlaces(threads);
    t.equal(data.length, 1);
    await session.query({ ...ask(SQL), alone: true });
    await session[Symbol.asyncDispose]();
  }
});
