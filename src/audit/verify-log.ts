import type { Database, Transaction } from "#persistence/index.ts";
import { currentCheckpoint, readEntries } from "./read.ts";
import { type ChainPosition, type ChainVerdict, verifyChain } from "./verify-chain.ts";

/** Checks the log of the database against its head row, and against a checkpoint kept elsewhere if given. */
export async function verifyLog(db: Database, kept?: ChainPosition): Promise<ChainVerdict> {
  return await db
    .transaction()
    .setIsolationLevel("repeatable read")
    .setAccessMode("read only")
    .execute(async (tx) => verifyLogWithin(tx, kept));
}

/** The same of what a transaction sees, before others do. */
export async function verifyLogWithin(tx: Transaction, kept?: ChainPosition): Promise<ChainVerdict> {
  const to = await currentCheckpoint(tx);
  if (kept) {
    const upTo = await verifyChain(upToSeq(readEntries(tx), kept.seq), { to: kept });
    if (!upTo.ok) return upTo;
  }
  return await verifyChain(readEntries(tx), { to });
}

async function* upToSeq<T extends { seq: number }>(entries: AsyncIterable<T>, seq: number): AsyncGenerator<T> {
  if (seq === 0) return;
  for await (const entry of entries) {
    yield entry;
    if (entry.seq >= seq) return;
  }
}
