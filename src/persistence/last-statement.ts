import type { CompiledQuery, RawBuilder } from "kysely";
import type { Transaction } from "./schema.ts";

const lastOnes = new WeakSet<CompiledQuery>();

/**
 * Runs the last statement of a transaction. Where the database is another process it is sent together with the commit: after
 * this resolves the transaction has ended, and another statement in it is a bug. When it fails, all is rolled back as ever.
 */
export async function executeLast(tx: Transaction, statement: RawBuilder<unknown>): Promise<void> {
  const compiled = statement.compile(tx);
  lastOnes.add(compiled);
  await tx.executeQuery(compiled);
}

export function isLast(query: CompiledQuery): boolean {
  return lastOnes.has(query);
}
