import { setTimeout as sleep } from "node:timers/promises";
import { isRetryable } from "./database-error.ts";
import type { Database, Transaction } from "./schema.ts";

const MAX_ATTEMPTS = 6;
const BASE_DELAY_MS = 5;

/**
 * Runs `work` in a transaction (read committed) and again, from the start, when the database reports a
 * serialization failure or a deadlock: `work` must have no effect but its statements.
 */
export async function inTransaction<T>(db: Database, work: (tx: Transaction) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await db.transaction().execute(work);
    } catch (error) {
      if (!isRetryable(error) || attempt === MAX_ATTEMPTS) throw error;
    }
    await sleep(Math.random() * BASE_DELAY_MS * 2 ** attempt);
  }
}
