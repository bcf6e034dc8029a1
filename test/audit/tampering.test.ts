import { type RawBuilder, sql } from "kysely";
import tap from "tap";
import {
  type AuditActor,
  currentCheckpoint,
  hashEntry,
  listEntries,
  record,
  verifyLog,
  withAudit,
} from "#audit/index.ts";
import type { Database, Transaction } from "#persistence/index.ts";
import { withDatabases } from "../persistence/databases.ts";
import { at } from "./chains.ts";

const actor: AuditActor = { kind: "person", id: "alice" };
const clock = { nowMs: () => Date.parse("2026-06-01T08:00:00Z") };
const LENGTH = 6;

async function fill(db: Database): Promise<void> {
  for (let n = 1; n <= LENGTH; n++) {
    await withAudit(db, { actor, clock }, async (context) => {
      await record(context, { action: "release.created", subject: { kind: "release", id: `rel_${n}` } });
    });
  }
}

/** As the owner of the tables can: past the triggers. */
async function tamper(db: Database, work: (tx: Transaction) => Promise<unknown>): Promise<void> {
  await db.transaction().execute(async (tx) => {
    for (const table of ["audit_entries", "audit_head"]) {
      await sql.raw(`alter table ${table} disable trigger user`).execute(tx);
    }
    await work(tx);
    for (const table of ["audit_entries", "audit_head"]) {
      await sql.raw(`alter table ${table} enable trigger user`).execute(tx);
    }
  });
}

const attacks: [what: string, statement: RawBuilder<unknown>, seq: number, problem: string][] = [
  ["an outcome changed", sql`update audit_entries set outcome = 'denied' where seq = 3`, 3, "hash_mismatch"],
  ["a detail added", sql`update audit_entries set detail = '{"a":1}' where seq = 3`, 3, "hash_mismatch"],
  [
    "a millisecond of the time",
    sql`update audit_entries set at = at + interval '1 ms' where seq = 1`,
    1,
    "hash_mismatch",
  ],
  ["an entry removed", sql`delete from audit_entries where seq = 3`, 3, "sequence_gap"],
  ["the first removed", sql`delete from audit_entries where seq = 1`, 1, "sequence_gap"],
  ["the last removed", sql`delete from audit_entries where seq = ${LENGTH}`, LENGTH, "head_mismatch"],
  ["all removed", sql`delete from audit_entries`, 1, "head_mismatch"],
  [
    "two exchanged",
    sql`update audit_entries set seq = case seq when 3 then 104 when 4 then 3 else seq end;
     update audit_entries set seq = 4 where seq = 104`,
    3,
    "hash_mismatch",
  ],
  ["the head moved back", sql`update audit_head set seq = 5`, 5, "head_mismatch"],
];

await withDatabases(tap, "what the owner of the database tampers with is found", async (t, { handle: { db } }) => {
  await fill(db);
  t.match(await verifyLog(db), { ok: true, entries: LENGTH });
  for (const [what, statement, seq, problem] of attacks) {
    await sql`create table entries_before as table audit_entries`.execute(db);
    await sql`create table head_before as table audit_head`.execute(db);
    await tamper(db, async (tx) => await statement.execute(tx));
    t.strictSame(await verifyLog(db), { ok: false, seq, problem }, what);
    await tamper(db, async (tx) => {
      await sql`delete from audit_entries; delete from audit_head;
        insert into audit_entries table entries_before; insert into audit_head table head_before;
        drop table entries_before; drop table head_before`.execute(tx);
    });
    t.match(await verifyLog(db), { ok: true, entries: LENGTH });
  }
});

await withDatabases(
  tap,
  "a log made anew from the middle is found by a kept checkpoint only",
  async (t, { handle: { db } }) => {
    await fill(db);
    const kept = await currentCheckpoint(db);
    const entries = await listEntries(db, { afterSeq: 0, limit: 100 });
    const last = { ...at(entries, -1), outcome: "denied" as const };
    const hash = hashEntry(last);
    await tamper(db, async (tx) => {
      await sql`update audit_entries set outcome = 'denied', hash = ${hash} where seq = ${last.seq}`.execute(tx);
      await sql`update audit_head set hash = ${hash}`.execute(tx);
    });
    t.match(await verifyLog(db), { ok: true }, "consistent in itself");
    t.strictSame(await verifyLog(db, kept), { ok: false, seq: LENGTH, problem: "head_mismatch" });
  },
);

await withDatabases(
  tap,
  "a checkpoint of an earlier time stays valid as the log grows",
  async (t, { handle: { db } }) => {
    const empty = await currentCheckpoint(db);
    await fill(db);
    const kept = await currentCheckpoint(db);
    await fill(db);
    t.match(await verifyLog(db, empty), { ok: true, entries: 2 * LENGTH });
    t.match(await verifyLog(db, kept), { ok: true, entries: 2 * LENGTH });
    const later = { seq: 100, hash: kept.hash };
    t.match(await verifyLog(db, later), { ok: false, problem: "head_mismatch" });
  },
);
