import { sql } from "kysely";
import { type AuditContext, record } from "#audit/index.ts";

const BATCH = 10_000;

/**
 * Removes events older than the retention, a batch at a time, and writes down what went. Answers whether there may
 * be more. The database itself refuses what is younger than six months.
 */
export async function purgeEvents(context: AuditContext, retentionDays: number): Promise<boolean> {
  const before = new Date(context.clock.nowMs() - retentionDays * 86_400_000);
  const { rows } = await sql<{ n: number; first: number | null; last: number | null }>`
    with gone as (
      delete from security_events where seq in (
        select seq from security_events where at < ${before} order by at, seq limit ${BATCH}
      ) returning seq
    )
    select count(*) as n, min(seq) as first, max(seq) as last from gone`.execute(context.tx);
  const { n = 0, first, last } = rows[0] ?? {};
  if (n === 0) return false;
  await record(context, {
    action: "security_log.purged",
    subject: { kind: "security_log", id: "events" },
    detail: { before: before.toISOString(), events: n, firstSeq: first, lastSeq: last },
  });
  return n === BATCH;
}
