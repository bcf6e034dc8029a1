import { json, type Transaction } from "#persistence/index.ts";
import type { AuditEntry } from "#contract/audit.ts";
import type { AuditContext, AuditEvent } from "./context.ts";
import { hashEntry } from "./hash.ts";

const ACTION = /^[a-z][a-z_]*\.[a-z][a-z_]*$/;
/** Transactions that hold an entry; `withAudit` looks here. */
const recorded = new WeakSet<Transaction>();

/**
 * Appends an entry and returns its number. Holds the head of the chain until the transaction ends, so record
 * last, after the statements that take time.
 */
export async function record(context: AuditContext, event: AuditEvent): Promise<number> {
  const { tx } = context;
  if (!ACTION.test(event.action)) throw new Error(`an audit action is noun.past_tense, not ${event.action}`);
  const head = await tx.selectFrom("audit_head").select(["seq", "hash", "at"]).forUpdate().executeTakeFirstOrThrow();
  const entry = createEntry(context, event, head);
  await insert(tx, entry);
  await tx
    .updateTable("audit_head")
    .set({ seq: entry.seq, hash: entry.hash, at: new Date(entry.at) })
    .execute();
  recorded.add(tx);
  return entry.seq;
}

export function hasRecord(tx: Transaction): boolean {
  return recorded.has(tx);
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

async function insert(tx: Transaction, entry: AuditEntry): Promise<void> {
  await tx
    .insertInto("audit_entries")
    .values({
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
    })
    .execute();
}
