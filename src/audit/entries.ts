import type { AuditEntry } from "#contract/audit.ts";
import { json, type Transaction } from "#persistence/index.ts";
import type { AuditContext, AuditEvent } from "./context.ts";
import { hashEntry } from "./hash.ts";

/** The entry that follows `head`. */
export function createEntry(context: AuditContext, event: AuditEvent, head: { seq: number; hash: string }): AuditEntry {
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

/** Writes chained entries and moves the head to the last: two statements. */
export async function writeEntries(tx: Transaction, entries: readonly AuditEntry[]): Promise<void> {
  const last = entries.at(-1);
  if (!last) return;
  await tx.insertInto("audit_entries").values(entries.map(toRow)).execute();
  const head = { seq: last.seq, hash: last.hash, at: new Date(last.at) };
  await tx.updateTable("audit_head").set(head).execute();
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
