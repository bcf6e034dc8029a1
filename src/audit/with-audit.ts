import { type Database, inTransaction } from "#persistence/index.ts";
import type { AuditContext } from "./context.ts";
import { hasRecord, openRecords, writeRecords } from "./record.ts";
import { watchWrites } from "./write-watch.ts";

/**
 * Runs `work` in a transaction that it can only write to with an audit entry: when rows were changed and nothing
 * was recorded, the transaction is rolled back with a plain Error (a bug). Work that changes nothing (a replayed
 * request, an apply that finds everything as declared) needs no entry. May run `work` again, see `inTransaction`.
 */
export async function withAudit<T>(
  db: Database,
  by: Omit<AuditContext, "tx">,
  work: (context: AuditContext) => Promise<T>,
): Promise<T> {
  return await inTransaction(db, async (plain) => {
    const { tx, hasWritten } = watchWrites(plain);
    openRecords(tx);
    const result = await work({ ...by, tx });
    if (hasWritten() && !hasRecord(tx)) throw new Error("a write without an audit entry was rolled back");
    await writeRecords(tx);
    return result;
  });
}
