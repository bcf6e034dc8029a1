import { listEntries } from "#audit/index.ts";
import type { AuditEntry } from "#contract/audit.ts";
import type { Database } from "#persistence/index.ts";

/** The first entry of one of the actions after a place in the log, and not beyond another. */
export async function nextEntry(
  db: Database,
  { after, upTo, actions }: { after: number; upTo: number; actions: readonly string[] },
): Promise<AuditEntry | undefined> {
  const found = await db
    .selectFrom("audit_entries")
    .select("seq")
    .where("seq", ">", after)
    .where("seq", "<=", upTo)
    .where("action", "in", [...actions])
    .orderBy("seq")
    .limit(1)
    .executeTakeFirst();
  if (!found) return undefined;
  const [entry] = await listEntries(db, { afterSeq: found.seq - 1, limit: 1 });
  return entry;
}
