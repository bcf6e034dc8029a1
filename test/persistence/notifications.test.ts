import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import tap, { type Test } from "tap";
import { inTransaction, openDatabase } from "#persistence/index.ts";
import { openTestDatabase, skipPostgres, withDatabases } from "./databases.ts";

async function until(condition: () => boolean): Promise<void> {
  for (let waitedMs = 0; !condition() && waitedMs < 10_000; waitedMs += 10) await sleep(10);
}

await withDatabases(tap, "a notification arrives after the commit, and not after a rollback", async (t, { handle }) => {
  const payloads: string[] = [];
  const unlisten = await handle.listen("jobs_queued", (payload) => payloads.push(payload));
  await inTransaction(handle.db, async (tx) => {
    await handle.notify(tx, "jobs_queued", "one");
    await sleep(50);
    t.strictSame(payloads, [], "nothing before the commit");
  });
  await until(() => payloads.length > 0);
  t.strictSame(payloads, ["one"]);
  const rolledBack = inTransaction(handle.db, async (tx) => {
    await handle.notify(tx, "jobs_queued", "never");
    throw new Error("stop");
  });
  await t.rejects(rolledBack, { message: "stop" });
  await unlisten();
  await inTransaction(handle.db, async (tx) => await handle.notify(tx, "jobs_queued", "unheard"));
  await sleep(50);
  t.strictSame(payloads, ["one"]);
});

await withDatabases(tap, "several handlers and channels do not disturb each other", async (t, { handle }) => {
  const heard: string[] = [];
  const stop = await handle.listen("channel_a", (payload) => heard.push(`1 ${payload}`));
  await handle.listen("channel_a", (payload) => heard.push(`2 ${payload}`));
  await handle.listen("channel_b", (payload) => heard.push(`3 ${payload}`));
  const send = async (payload: string) => {
    const before = heard.length;
    await inTransaction(handle.db, async (tx) => {
      await handle.notify(tx, "channel_a", payload);
      await handle.notify(tx, "channel_b", payload);
    });
    await until(() => heard.length >= before + 2);
    await sleep(20);
  };
  await send("x");
  t.strictSame(heard.toSorted(), ["1 x", "2 x", "3 x"]);
  await stop();
  heard.length = 0;
  await send("y");
  t.strictSame(heard.toSorted(), ["2 y", "3 y"]);
});

await withDatabases(tap, "listening waits for a transaction that is under way", async (t, { handle }) => {
  const heard: string[] = [];
  const rolledBack = inTransaction(handle.db, async (tx) => {
    await sql`select 1`.execute(tx);
    await sleep(30);
    throw new Error("stop");
  });
  const [listening] = await Promise.allSettled([handle.listen("events", (payload) => heard.push(payload)), rolledBack]);
  t.equal(listening?.status, "fulfilled");
  await inTransaction(handle.db, async (tx) => await handle.notify(tx, "events", "z"));
  await until(() => heard.length > 0);
  t.strictSame(heard, ["z"]);
});

await withDatabases(tap, "a channel's name is checked", async (t, { handle }) => {
  for (const name of ["", "a; drop table jobs", 'a"b', "Ä", "a".repeat(61)]) {
    await t.rejects(
      handle.listen(name, () => {}),
      { message: /channel/ },
    );
    await t.rejects(
      inTransaction(handle.db, async (tx) => await handle.notify(tx, name, "")),
      { message: /channel/ },
    );
  }
});

await tap.test(
  "another replica hears it, and again after its connection was lost",
  { skip: skipPostgres() },
  async (t: Test) => {
    const { handle, options } = await openTestDatabase(t, "postgres");
    await using other = await openDatabase(options);
    const heard: string[] = [];
    await other.listen("jobs_queued", (payload) => heard.push(payload));
    const send = async (payload: string) =>
      await inTransaction(handle.db, async (tx) => await handle.notify(tx, "jobs_queued", payload));
    await send("before");
    await until(() => heard.length > 0);
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'sluice-listen' and datname = current_database()`.execute(handle.db);
    for (let n = 0; n < 100 && !heard.includes("after"); n++) {
      await send("after");
      await sleep(50);
    }
    t.equal(heard[0], "before");
    t.ok(heard.includes("after"));
  },
);
