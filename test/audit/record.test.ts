import { sql } from "kysely";
import tap from "tap";
import {
  type AuditActor,
  type AuditContext,
  currentCheckpoint,
  genesisHash,
  listEntries,
  readEntries,
  record,
  verifyChain,
  verifyLog,
  withAudit,
} from "#audit/index.ts";
import { type Database, inTransaction, json } from "#persistence/index.ts";
import { withDatabases } from "../persistence/databases.ts";

const actor: AuditActor = { kind: "person", id: "alice", organisation: "wz-operator", roles: ["operator"] };
const clock = { nowMs: () => Date.parse("2026-06-01T08:00:00.123Z") };
const subject = { kind: "job", id: "job_1" };
const event = { action: "job.submitted", subject };

async function append(db: Database, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    await withAudit(db, { actor, clock }, async (context) => {
      await record(context, { action: "job.submitted", subject: { kind: "job", id: `job_${n}` }, detail: { n } });
    });
  }
}

async function setUp(context: AuditContext, name: string): Promise<void> {
  const row = { name, value: json(1), updated_at: new Date() };
  await context.tx.insertInto("deployment_settings").values(row).execute();
}

await withDatabases(tap, "an entry comes back as it was hashed", async (t, { handle: { db } }) => {
  const detail = { code: "x", list: [1, 1e21, 1e-7, -0.5, null], nested: { 数: "闸", a: {} }, gone: undefined };
  const seq = await withAudit(db, { actor, clock, requestId: "req_1" }, async (context) => {
    return await record(context, { ...event, outcome: "denied", detail });
  });
  t.equal(seq, 1);
  const [entry] = await listEntries(db, { afterSeq: 0, limit: 10 });
  t.match(entry, { seq: 1, at: "2026-06-01T08:00:00.123Z", actor, ...event, outcome: "denied", requestId: "req_1" });
  t.strictSame(entry?.detail, { code: "x", list: [1, 1e21, 1e-7, -0.5, null], nested: { 数: "闸", a: {} } });
  t.equal(entry?.previous, genesisHash);
  t.match(await verifyLog(db), { ok: true, entries: 1 });
});

await withDatabases(
  tap,
  "texts that PostgreSQL cannot hold do not stop or break the log",
  async (t, { handle: { db } }) => {
    await withAudit(db, { actor: { kind: "person", id: "a\0b\ud800" }, clock }, async (context) => {
      await record(context, { ...event, detail: { text: "\0\udfff", ["k"]: ["\ud83d"] } });
    });
    const [entry] = await listEntries(db, { afterSeq: 0, limit: 1 });
    t.equal(entry?.actor.id, "a\u{fffd}b\u{fffd}");
    t.match(await verifyLog(db), { ok: true, entries: 1 });
  },
);

await withDatabases(tap, "the change and its entry are kept together or not at all", async (t, { handle: { db } }) => {
  const failing = withAudit(db, { actor, clock }, async (context) => {
    await setUp(context, "one");
    await record(context, event);
    throw new Error("stop");
  });
  await t.rejects(failing, { message: "stop" });
  t.strictSame(await db.selectFrom("deployment_settings").select("name").execute(), []);
  t.match(await currentCheckpoint(db), { seq: 0, hash: genesisHash });
  await append(db, 1);
  t.match(await currentCheckpoint(db), { seq: 1 }, "the number is used again: no gap");
});

const unaudited: [what: string, work: (context: AuditContext) => Promise<unknown>][] = [
  ["an insert", async (context) => await setUp(context, "two")],
  [
    "an update",
    async ({ tx }) =>
      await tx
        .updateTable("deployment_settings")
        .set({ value: json(2) })
        .execute(),
  ],
  ["a delete", async ({ tx }) => await tx.deleteFrom("deployment_settings").execute()],
  ["a raw statement", async ({ tx }) => await sql`delete from deployment_settings`.execute(tx)],
  [
    "a write in a common table expression",
    async ({ tx }) =>
      await tx
        .with("gone", (db) => db.deleteFrom("deployment_settings").returning("name"))
        .selectFrom("gone")
        .selectAll()
        .execute(),
  ],
];

await withDatabases(tap, "a write without an entry is rolled back as a bug", async (t, { handle: { db } }) => {
  await inTransaction(db, async (tx) => await setUp({ tx, actor, clock }, "one"));
  for (const [what, work] of unaudited) {
    const error: unknown = await withAudit(db, { actor, clock }, work).catch((reason: unknown) => reason);
    t.equal((error as Error).constructor, Error, what);
    t.match(error, { message: /without an audit entry/ });
  }
  const rows = await db.selectFrom("deployment_settings").select(["name", "value"]).execute();
  t.strictSame(rows, [{ name: "one", value: 1 }]);
});

await withDatabases(tap, "work that changes nothing needs no entry", async (t, { handle: { db } }) => {
  await inTransaction(db, async (tx) => await setUp({ tx, actor, clock }, "one"));
  const found = await withAudit(db, { actor, clock }, async ({ tx }) => {
    await tx.deleteFrom("deployment_settings").where("name", "=", "none").execute();
    await sql`select pg_notify('x', '')`.execute(tx);
    return await tx.selectFrom("deployment_settings").select("name").forUpdate().execute();
  });
  t.strictSame(found, [{ name: "one" }]);
});

await withDatabases(tap, "several entries of one transaction follow each other", async (t, { handle: { db } }) => {
  const seqs = await withAudit(db, { actor, clock }, async (context) => [
    await record(context, event),
    await record({ ...context, actor: { kind: "system", id: "scheduler" } }, { ...event, action: "job.queued" }),
  ]);
  t.strictSame(seqs, [1, 2]);
  t.match(await verifyLog(db), { ok: true, entries: 2 });
});

await withDatabases(tap, "writers at once never fork the chain", async (t, { handle: { db } }) => {
  const seqs = await Promise.all(
    Array.from({ length: 20 }, async () => {
      return await withAudit(db, { actor, clock }, async (context) => await record(context, event));
    }),
  );
  t.strictSame(
    seqs.toSorted((a, b) => a - b),
    Array.from({ length: 20 }, (_, n) => n + 1),
  );
  t.match(await verifyLog(db), { ok: true, entries: 20 });
});

await withDatabases(tap, "an action that is not noun.past_tense is a bug", async (t, { handle: { db } }) => {
  for (const action of ["", "job", "Job.Submitted", "job.", "job submitted", "a.b.c"]) {
    const wrong = withAudit(db, { actor, clock }, async (context) => await record(context, { ...event, action }));
    await t.rejects(wrong, { message: /noun.past_tense/ });
  }
});

await withDatabases(tap, "the log is read in pages and by filter", async (t, { handle: { db } }) => {
  await append(db, 7);
  await withAudit(db, { actor: { kind: "system", id: "sluice" }, clock }, async (context) => {
    await record(context, { action: "release.created", subject: { kind: "release", id: "rel_1" } });
  });
  const seqs = async (filter: Omit<Parameters<typeof listEntries>[1], "afterSeq" | "limit">) =>
    (await listEntries(db, { afterSeq: 0, limit: 100, ...filter })).map(({ seq }) => seq);
  t.strictSame(await seqs({ action: "release.created" }), [8]);
  t.strictSame(await seqs({ subject: { kind: "job" } }), [1, 2, 3, 4, 5, 6, 7]);
  t.strictSame(await seqs({ subject: { kind: "job", id: "job_3" } }), [4]);
  t.strictSame(await seqs({ actor: "sluice" }), [8]);
  t.strictSame(await seqs({ actor: "alice", action: "release.created" }), []);
  const page = await listEntries(db, { afterSeq: 3, limit: 2 });
  t.strictSame(
    page.map(({ seq }) => seq),
    [4, 5],
  );
  for (const batch of [1, 2, 4, 8, 100]) {
    t.match(await verifyChain(readEntries(db, { batch })), { ok: true, entries: 8 });
  }
});

await withDatabases(tap, "the database refuses to change or remove an entry", async (t, { handle: { db } }) => {
  await append(db, 2);
  const statements = [
    "update audit_entries set outcome = 'denied'",
    "delete from audit_entries where seq = 2",
    "truncate audit_entries cascade",
    "truncate audit_entries, audit_head cascade",
    "delete from audit_head",
    "truncate audit_head",
    "update audit_head set seq = 1",
    "update audit_head set hash = 'sha256:0'",
  ];
  for (const statement of statements) {
    const error: unknown = await inTransaction(db, async (tx) => await sql.raw(statement).execute(tx)).catch(
      (e: unknown) => e,
    );
    t.match(error, { sqlState: "23001" }, statement);
  }
  t.match(await verifyLog(db), { ok: true, entries: 2 });
});
