import { type RawBuilder, sql } from "kysely";
import type { AuditEntry } from "#contract/audit.ts";
import { executeLast, type Transaction, withParts } from "#persistence/index.ts";
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

/** Writes chained entries and what goes with them, and moves the head to the last: the last statement of the transaction. */
export async function writeEntries(
  tx: Transaction,
  entries: readonly AuditEntry[],
  late: readonly RawBuilder<unknown>[],
): Promise<void> {
  if (entries.length === 0) return;
  const written = sql`
    insert into audit_entries
      (seq, at, actor, action, subject_kind, subject_id, outcome, request_id, detail, previous, hash)
    select r.* from jsonb_to_recordset(cast(${JSON.stringify(entries.map(toRow))} as jsonb)) as r(
      seq bigint, at timestamptz, actor jsonb, action text, subject_kind text, subject_id text, outcome text,
      request_id text, detail jsonb, previous text, hash text)
    returning seq, hash, at`;
  // the head follows the entries: the last of them is known when they are written
  const statement = sql`
    ${withParts(late, { written })}
    update audit_head set seq = last.seq, hash = last.hash, at = last.at
    from (select seq, hash, at from written order by seq desc limit 1) last`;
  await executeLast(tx, statement);
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
    at: entry.at,
    actor: entry.actor,
    action: entry.action,
    subject_kind: entry.subject.kind,
    subject_id: entry.subject.id,
    outcome: entry.outcome,
    request_id: entry.requestId ?? null,
    detail: entry.detail,
    previous: entry.previous,
    hash: entry.hash,
  };
}
