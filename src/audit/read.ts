import { type Selectable, sql } from "kysely";
import type { Database, Schema, Transaction } from "#persistence/index.ts";
import type { AuditCheckpoint, AuditEntry } from "#contract/audit.ts";

export interface AuditFilter {
  /** Entries after this number (0: from the first). */
  afterSeq: number;
  limit: number;
  action?: string | undefined;
  subject?: { kind: string; id?: string | undefined } | undefined;
  /** Id of the actor. */
  actor?: string | undefined;
}

const DEFAULT_BATCH = 1000;

/** Entries in order of their numbers; the cursor of the next page is the last `seq`. */
export async function listEntries(db: Database | Transaction, filter: AuditFilter): Promise<AuditEntry[]> {
  let query = db.selectFrom("audit_entries").selectAll().where("seq", ">", filter.afterSeq);
  if (filter.action !== undefined) query = query.where("action", "=", filter.action);
  if (filter.subject) query = query.where("subject_kind", "=", filter.subject.kind);
  if (filter.subject?.id !== undefined) query = query.where("subject_id", "=", filter.subject.id);
  if (filter.actor !== undefined) query = query.where(sql<string>`actor ->> 'id'`, "=", filter.actor);
  const rows = await query.orderBy("seq").limit(filter.limit).execute();
  return rows.map(toEntry);
}

/** The whole log from number `from` (default 1), in pages of `batch`. */
export async function* readEntries(
  db: Database | Transaction,
  options: { from?: number; batch?: number } = {},
): AsyncGenerator<AuditEntry, void, undefined> {
  const limit = options.batch ?? DEFAULT_BATCH;
  let afterSeq = (options.from ?? 1) - 1;
  for (;;) {
    const page = await listEntries(db, { afterSeq, limit });
    yield* page;
    const last = page.at(-1);
    if (!last || page.length < limit) return;
    afterSeq = last.seq;
  }
}

/** Where the log ends now; `seq` 0 while it is empty. */
export async function currentCheckpoint(db: Database | Transaction): Promise<AuditCheckpoint> {
  const head = await db.selectFrom("audit_head").select(["seq", "hash", "at"]).executeTakeFirstOrThrow();
  return { seq: head.seq, hash: head.hash, at: head.at.toISOString() };
}

function toEntry(row: Selectable<Schema["audit_entries"]>): AuditEntry {
  return {
    seq: row.seq,
    at: row.at.toISOString(),
    actor: row.actor,
    action: row.action,
    subject: { kind: row.subject_kind, id: row.subject_id },
    outcome: row.outcome,
    ...(row.request_id === null ? {} : { requestId: row.request_id }),
    detail: row.detail,
    previous: row.previous,
    hash: row.hash,
  };
}
