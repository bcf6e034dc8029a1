import type { RawBuilder } from "kysely";
import type { AuditEntry } from "#contract/audit.ts";
import type { Transaction } from "#persistence/index.ts";
import { createEntry, writeEntries } from "./entries.ts";
import type { AuditContext, AuditEvent } from "./context.ts";

const ACTION = /^[a-z][a-z_]*\.[a-z][a-z_]*$/;

/** An entry that has no number yet, and what is to be written when it has one. */
interface Queued {
  context: AuditContext;
  event: AuditEvent;
  onNumber?: ((seq: number) => void) | undefined;
}

/** Statements that write what was kept for the end; `returning` has no use there. */
export type LateWrite<T> = (items: readonly T[]) => readonly RawBuilder<unknown>[];
type AnyWrite = LateWrite<unknown>;

/** The entries of a transaction, and what waits for its end. */
interface Pending {
  head: { seq: number; hash: string } | undefined;
  /** Chained to the head, not yet written. */
  entries: AuditEntry[];
  /** To be chained at the end. */
  queue: Queued[];
  /** What is written at the end, by what writes it. */
  deferred: Map<AnyWrite, unknown[]>;
}

/** Transactions that `withAudit` or a group opened and will write the entries of. */
const pending = new WeakMap<Transaction, Pending>();

/** Takes entries for `tx`; those of one transaction under several names (works of a group) share the records of the first. */
export function openRecords(tx: Transaction, shared?: Transaction): void {
  const fresh = { head: undefined, entries: [], queue: [], deferred: new Map() };
  pending.set(tx, shared ? pendingOf(shared) : fresh);
}

/**
 * Ends the transaction's records: takes the head of the chain, chains what was queued, and writes the entries, the new head
 * and all that waited for the end: two statements for any number of entries. Nothing but the commit follows.
 */
export async function writeRecords(tx: Transaction): Promise<void> {
  const records = pendingOf(tx);
  if (records.entries.length + records.queue.length === 0) {
    if (records.deferred.size > 0) throw new Error("a write without an audit entry was rolled back");
    return;
  }
  await takeHead(tx, records);
  chainQueue(records);
  const late = [...records.deferred].flatMap(([statements, items]) => statements(items));
  await writeEntries(tx, records.entries, late);
}

function pendingOf(tx: Transaction): Pending {
  const found = pending.get(tx);
  if (!found) throw new Error("only a transaction of withAudit takes audit entries");
  return found;
}

/**
 * Appends an entry and returns its number; it is written with the transaction's end. Holds the head of the chain
 * until then, so that no other transaction ends before this one: who needs no number takes `recordLater`.
 */
export async function record(context: AuditContext, event: AuditEvent): Promise<number> {
  const records = pendingOf(context.tx);
  requireAction(event);
  await takeHead(context.tx, records);
  chainQueue(records);
  return chain(records, { context, event });
}

/**
 * Appends an entry that is numbered at the transaction's end, so that the head of the chain is held for the commit only.
 * `onNumber` is told the number while there is time for `writeLater`.
 */
export function recordLater(context: AuditContext, event: AuditEvent, onNumber?: Queued["onNumber"]): void {
  requireAction(event);
  pendingOf(context.tx).queue.push({ context, event, onNumber });
}

/**
 * Keeps `item` until the transaction's end, where all that were kept for `write` are written, together, while the head of the
 * chain is held: rows that many transactions change are locked in that order only, and never waited for in a circle. What is
 * written so is seen by nobody before, the transaction itself included.
 */
export function writeLater<T>({ tx }: AuditContext, write: LateWrite<T>, item: T): void {
  const { deferred } = pendingOf(tx);
  const items = deferred.get(write as AnyWrite);
  if (items) items.push(item);
  else deferred.set(write as AnyWrite, [item]);
}

/** What was kept for `write` so far, by this work and those of its group before it. */
export function itemsForLater<T>({ tx }: AuditContext, write: LateWrite<T>): readonly T[] {
  return (pendingOf(tx).deferred.get(write as AnyWrite) ?? []) as T[];
}

export function hasRecord(tx: Transaction): boolean {
  const { entries, queue } = pendingOf(tx);
  return entries.length + queue.length > 0;
}

/** How many records there are; a work of a group adds to those of the works before it. */
export function countRecords(tx: Transaction): number {
  const { entries, queue } = pendingOf(tx);
  return entries.length + queue.length;
}

/** Takes back what is recorded from here on, when its work turns out to have changed nothing. */
export function markRecords(tx: Transaction): () => void {
  const records = pendingOf(tx);
  const { head, entries, queue } = records;
  const deferred = [...records.deferred].map(([write, items]): [AnyWrite, unknown[]] => [write, [...items]]);
  const kept = { entries: [...entries], queue: [...queue] };
  // the head stays locked, but the chain goes on from where it was
  return () => void Object.assign(records, { ...kept, head: head ?? undefined, deferred: new Map(deferred) });
}

function requireAction({ action }: AuditEvent): void {
  if (!ACTION.test(action)) throw new Error(`an audit action is noun.past_tense, not ${action}`);
}

async function takeHead(tx: Transaction, records: Pending): Promise<void> {
  records.head ??= await tx.selectFrom("audit_head").select(["seq", "hash"]).forUpdate().executeTakeFirstOrThrow();
}

function chainQueue(records: Pending): void {
  for (const queued of records.queue.splice(0)) {
    const seq = chain(records, queued);
    queued.onNumber?.(seq);
  }
}

function chain(records: Pending, { context, event }: Queued): number {
  if (!records.head) throw new Error("an entry was chained before the head was taken");
  const entry = createEntry(context, event, records.head);
  records.head = { seq: entry.seq, hash: entry.hash };
  records.entries.push(entry);
  return entry.seq;
}
