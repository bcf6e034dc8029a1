import { sql } from "kysely";
import tap from "tap";
import { type AuditContext, createAuditGroup, listEntries, record, recordLater, verifyLog } from "#audit/index.ts";
import { AppError } from "#kernel/errors.ts";
import { json } from "#persistence/index.ts";
import { withDatabases } from "../persistence/databases.ts";

const by = {
  actor: { kind: "person" as const, id: "alice" },
  clock: { nowMs: () => Date.parse("2026-06-01T08:00:00Z") },
};

/** A write with its entry; answers with the transaction that it is part of. */
const write = (name: string) => async (context: AuditContext) => {
  const row = { name, value: json(1), updated_at: new Date() };
  await context.tx.insertInto("deployment_settings").values(row).execute();
  recordLater(context, { action: "setting.written", subject: { kind: "setting", id: name } });
  const { rows } = await sql<{ id: string }>`select pg_current_xact_id()::text as id`.execute(context.tx);
  return rows[0]!.id;
};

await withDatabases(
  tap,
  "works that wait share one transaction, and the chain holds",
  async (t, { handle: { db } }) => {
    const group = createAuditGroup(db);
    const ids = await Promise.all(["a", "b", "c", "d"].map(async (name) => group.run(by, write(name))));
    t.not(ids[0], ids[1], "the first found nobody to wait for");
    t.equal(new Set(ids.slice(1)).size, 1, "what came meanwhile went together");
    const entries = await listEntries(db, { afterSeq: 0, limit: 10 });
    t.strictSame(
      entries.map(({ subject }) => subject.id),
      ["a", "b", "c", "d"],
      "in the order in which they came",
    );
    t.match(await verifyLog(db), { ok: true, entries: 4 });
  },
);

await withDatabases(tap, "a work that is refused leaves the others alone", async (t, { handle: { db } }) => {
  const group = createAuditGroup(db);
  const refuse = async (context: AuditContext) => {
    await record(context, { action: "setting.refused", subject: { kind: "setting", id: "none" } });
    recordLater(context, { action: "setting.refused", subject: { kind: "setting", id: "none" } });
    throw new AppError("quota_exceeded");
  };
  const results = await Promise.allSettled(
    [write("a"), write("b"), refuse, write("c")].map(async (work) => group.run(by, work)),
  );
  t.match(results[2], { status: "rejected", reason: { code: "quota_exceeded" } });
  t.equal((results[1] as PromiseFulfilledResult<string>).value, (results[3] as PromiseFulfilledResult<string>).value);
  t.strictSame(
    (await listEntries(db, { afterSeq: 0, limit: 10 })).map(({ subject }) => subject.id),
    ["a", "b", "c"],
    "nothing of the refused one is in the log",
  );
  t.match(await verifyLog(db), { ok: true, entries: 3 });
});

await withDatabases(
  tap,
  "a refusal takes back what its work had written, and nobody runs twice",
  async (t, { handle: { db } }) => {
    const group = createAuditGroup(db);
    let runs = 0;
    const refuse = async (context: AuditContext) => {
      runs += 1;
      await write("key")(context);
      await record(context, { action: "setting.refused", subject: { kind: "setting", id: "none" } });
      throw new AppError("queue_full");
    };
    const hidden = async (context: AuditContext) => {
      runs += 1;
      await write("a")(context).catch(() => undefined);
      throw new AppError("conflict");
    };
    const works = [write("a"), write("b"), refuse, write("c"), hidden, refuse, write("d")];
    const results = await Promise.allSettled(works.map(async (work) => group.run(by, work)));
    t.strictSame(
      results.map((result) => (result.status === "fulfilled" ? "done" : (result.reason as AppError).code)),
      ["done", "done", "queue_full", "done", "conflict", "queue_full", "done"],
    );
    const ids = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    t.equal(new Set(ids.slice(1)).size, 1, "the others went together");
    t.equal(runs, 3);
    const rows = await db.selectFrom("deployment_settings").select("name").orderBy("name").execute();
    t.strictSame(
      rows.map(({ name }) => name),
      ["a", "b", "c", "d"],
    );
    t.match(await verifyLog(db), { ok: true, entries: 4 });
  },
);

await withDatabases(tap, "nothing is tried again whose commit may have happened", async (t, { handle: { db } }) => {
  const group = createAuditGroup(db);
  let runs = 0;
  const lost = async (context: AuditContext) => {
    runs += 1;
    await write("lost")(context);
    throw new AppError("database_unavailable");
  };
  const results = await Promise.allSettled([write("a"), write("b"), lost].map(async (work) => group.run(by, work)));
  t.match(results[0], { status: "fulfilled" });
  for (const result of results.slice(1))
    t.match(result, { status: "rejected", reason: { code: "database_unavailable" } });
  t.equal(runs, 1);
  t.match(await verifyLog(db), { ok: true, entries: 1 });
});

await withDatabases(
  tap,
  "a work that fails takes nobody with it, whatever it had written",
  async (t, { handle: { db } }) => {
    const group = createAuditGroup(db);
    const works: ((context: AuditContext) => Promise<unknown>)[] = [
      write("a"),
      write("b"),
      async (context) => {
        await write("broken")(context);
        throw new Error("stop");
      },
      async (context) => {
        await write("late")(context);
        throw new AppError("conflict");
      },
      // a duplicate key aborts the transaction of all
      write("b"),
      async ({ tx }) =>
        tx
          .insertInto("deployment_settings")
          .values({ name: "x", value: json(1), updated_at: new Date() })
          .execute(),
      write("c"),
    ];
    const results = await Promise.allSettled(works.map(async (work) => group.run(by, work)));
    t.strictSame(
      results.map(({ status }) => status),
      ["fulfilled", "fulfilled", "rejected", "rejected", "rejected", "rejected", "fulfilled"],
    );
    t.match(results[5], { reason: { message: /without an audit entry/ } });
    const rows = await db.selectFrom("deployment_settings").select("name").orderBy("name").execute();
    t.strictSame(
      rows.map(({ name }) => name),
      ["a", "b", "c"],
    );
    t.match(await verifyLog(db), { ok: true, entries: 3 });
    await group.run(by, write("d"));
    t.match(await verifyLog(db), { ok: true, entries: 4 }, "the group goes on");
  },
);
