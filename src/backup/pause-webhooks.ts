import type { AuditContext } from "#audit/index.ts";
import type { Transaction } from "#persistence/index.ts";

/**
 * Pauses every webhook of a restored state, until an operator resumes it: whether this state takes the place of the one that was
 * backed up or stands beside it is nothing that the backup knows, and neighbouring systems must not be told twice. Answers which.
 */
export async function pauseWebhooks({
  tx,
  clock,
}: { tx: Transaction } & Pick<AuditContext, "clock">): Promise<string[]> {
  const paused = await tx
    .updateTable("webhooks")
    .set({ state: "paused", updated_at: new Date(clock.nowMs()) })
    .where("state", "=", "active")
    .returning("id")
    .execute();
  return paused.map(({ id }) => id).toSorted();
}
