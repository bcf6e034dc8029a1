import { json, type Transaction } from "#persistence/index.ts";
import type { AuditEntry } from "#contract/audit.ts";
import type { AuditContext, AuditEvent } from "./context.ts";
import { hashEntry } from "./hash.ts";

const ACTION = /^[a-z][a-z_]*\.[a-z][a-z_]*$/;

/** The entries of a transaction: chained as they are recorded, written together before its commit. */
interface Pending {
  head: { seq: number; hash: string } | undefined;
  entries: AuditEntry[];
}

/** Transactions that `withAudit` opened and will write the entries of. */
const pending = new WeakMap<Transaction, Pending>();

export function openRecords(tx: Transaction): void {
  pending.set(tx, { head: undefined, entries: [] });
}

/** Writes the transaction's entries and moves the head of the chain: two statements for any number of entries. */
export async function writeRecords(tx: Transaction): Promise<void> {
  const { entries } = pendingOf(tx);
  const last = entries.at(-1);
  if (!last) return;
  await tx.insertInto("audit_entries").values(entries.map(toRow)).execute();
  const head = { seq: last.seq, hash: last.hash, at: new Date(last.at) };
  await tx.updateTable("audit_head").set(head).execute();
}

function pendingOf(tx: Transaction): Pending {
  const found = pending.get(tx);
  if (!found) throw new Error("only a transaction of withAudit takes audit entries");
  return found;
}

/**
 * Appends an entry and returns its number; it is written with the transaction's end. Holds the head of the chain
 * until then, so record last, after the statements that take time.
 */
export async function record(context: AuditContext, event: AuditEvent): Promise<number> {
  const { tx } = context;
  if (!ACTION.test(event.action)) throw new Error(`an audit action is noun.past_tense, not ${event.action}`);
  const records = pendingOf(tx);
  records.head ??= await tx.selectFrom("audit_head").select(["seq", "hash"]).forUpdate().executeTakeFirstOrThrow();
  const entry = createEntry(context, event, records.head);
  records.head = { seq: entry.seq, hash: entry.hash };
  records.entries.push(entry);
  return entry.seq;
}

export function hasRecord(tx: Transaction): boolean {
  return pendingOf(tx).entries.length > 0;
}

function createEntry(context: AuditContext, event: AuditEvent, head: { seq: number; hash: string }): AuditEntry {
  const entry = storable({
    seq: head.seq + 1,
    at: new Date(context.clock.nowMs()).toISOString(),
    actor: context.actor,
    action: event.action,
    subject: { kind: event.subject.kind, id: event.subject.id },
    outcome: event.outcome ?? "success",
    requestId: context.requestId,
    detail: event.detail ?? {},
    previous: head.hash,
  }) as Omit<AuditEntry, "hash">;
  return { ...entry, hash: hashEntry(entry) };
}

/**
 * The value as the database will give it back, so that its hash still matches: no undefined members, and no NUL
 * or lone surrogate in a text (PostgreSQL has neither; a caller's odd text must not stop the log).
 */
function storable(value: unknown): unknown {
  const text = JSON.stringify(value, (_, member: unknown) =>
    typeof member === "string" ? member.toWellFormed().replaceAll("\0", "\u{fffd}") : member,
  );
  return JSON.parse(text) as unknown;
}

function toRow(entry: AuditEntry) {
  return {
    seq: entry.seq,
    at: new Date(entry.at),
    actor: json(entry.actor),
    action: entry.action,
    subject_kind: entry.subject.kind,
    subject_id: entry.subject.id,
    outcome: entry.outcome,
    request_id: entry.requestId ?? null,
    detail: json(entry.detail),
    previous: entry.previous,
    hash: entry.hash,
  };
}
