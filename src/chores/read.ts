import type { ChoreView } from "#contract/webhook.ts";
import type { Database } from "#persistence/index.ts";

/** All chores by name, for the operator: what failed says with which code, and how often in a row. */
export async function listChores(db: Database, nowMs: number): Promise<ChoreView[]> {
  const rows = await db.selectFrom("chores").selectAll().orderBy("name").execute();
  return rows.map((row) => ({
    name: row.name,
    dueAt: row.due_at.toISOString(),
    running: row.lease_expires_at !== null && row.lease_expires_at.getTime() > nowMs,
    failures: row.failures,
    ...(row.last_error === null ? {} : { lastError: row.last_error }),
    ...(row.started_at === null ? {} : { startedAt: row.started_at.toISOString() }),
    ...(row.succeeded_at === null ? {} : { succeededAt: row.succeeded_at.toISOString() }),
  }));
}
