import { sql } from "kysely";
import { type AuditContext, record } from "#audit/index.ts";
import type { Clock } from "#kernel/clock.ts";
import type { Digest } from "#kernel/digest.ts";
import type { Database, ObjectStore, Transaction } from "#persistence/index.ts";

const BATCH = 500;
const DAY_MS = 86_400_000;
/** Requests that still need the bytes as they were computed. */
const OPEN = ["submitted", "auto_checked", "under_review", "returned", "approved"];

/**
 * Gives up the bytes of jobs that ended so many days ago, unless a request for them is open: from now on nothing reads
 * them. What was released is served from the release. Answers whether there may be more.
 *
 * INVARIANT: whoever opens a request locks the job's row first, and so does this, before it looks at requests. A row that
 * somebody has locked is left for the next time.
 */
export async function discardOutputs(context: AuditContext, days: number): Promise<boolean> {
  const now = new Date(context.clock.nowMs());
  const before = new Date(context.clock.nowMs() - days * DAY_MS);
  const ended = await lockEnded(context.tx, before);
  if (ended.length === 0) return false;
  // a statement of its own: it sees the requests of all that had a lock before
  const { rows } = await sql<{ outputs: number; jobs: number }>`
    with gone as (
      update job_outputs o set discarded_at = ${now}
      where discarded_at is null and job = any(${ended})
        and not exists (select from egress_requests e where e.job = o.job and e.state = any(${OPEN}))
      returning job
    )
    select count(*) as outputs, count(distinct job) as jobs from gone`.execute(context.tx);
  const { outputs = 0, jobs = 0 } = rows[0] ?? {};
  if (outputs === 0) return false;
  await record(context, {
    action: "outputs.discarded",
    subject: { kind: "retention", id: "outputs" },
    detail: { before: before.toISOString(), jobs, outputs },
  });
  return ended.length === BATCH;
}

async function lockEnded(tx: Transaction, before: Date): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select j.id from jobs j
    where j.finished_at < ${before}
      and exists (select from job_outputs o where o.job = j.id and o.discarded_at is null)
      and not exists (select from egress_requests e where e.job = j.id and e.state = any(${OPEN}))
    order by j.finished_at limit ${BATCH} for update of j skip locked`.execute(tx);
  return rows.map(({ id }) => id);
}

/** So long after it was given up an object stays: whoever copies the state meanwhile still finds it. */
const GRACE_MS = DAY_MS;

/**
 * Removes objects that nothing needs: bytes that were given up, of releases that ended, and of reports that never
 * became durable. Answers how many went.
 */
export async function removeUnneeded(
  { db, objects, clock }: { db: Database; objects: ObjectStore; clock: Clock },
  { revokedDays, stop }: { revokedDays: number; stop: AbortSignal },
): Promise<number> {
  let removed = 0;
  let batch: Digest[] = [];
  const sweep = async () => {
    const needed = await neededOf(db, batch, { nowMs: clock.nowMs(), revokedDays });
    for (const digest of batch.filter((each) => !needed.has(each))) {
      if (await objects.remove(digest, Date.now() - GRACE_MS)) removed++;
    }
    batch = [];
  };
  for await (const digest of objects.list()) {
    if (stop.aborted) return removed;
    batch.push(digest);
    if (batch.length === BATCH) await sweep();
  }
  await sweep();
  return removed;
}

async function neededOf(
  db: Database,
  digests: readonly Digest[],
  { nowMs, revokedDays }: { nowMs: number; revokedDays: number },
): Promise<Set<string>> {
  if (digests.length === 0) return new Set();
  const graceEnds = new Date(nowMs - GRACE_MS);
  const revokedBefore = new Date(nowMs - Math.max(GRACE_MS, revokedDays * DAY_MS));
  const wanted = [...digests];
  const { rows } = await sql<{ object: string }>`
    select quarantine_object as object from job_outputs
      where quarantine_object = any(${wanted}) and (discarded_at is null or discarded_at > ${graceEnds})
    union select release_object from job_outputs
      where release_object = any(${wanted}) and (discarded_at is null or discarded_at > ${graceEnds})
    union select o.object from release_outputs o join releases r on r.id = o.release
      where o.object = any(${wanted}) and (r.state = 'released' or r.expired_at > ${graceEnds}
        or r.revoked_at > ${revokedBefore})`.execute(db);
  return new Set(rows.map(({ object }) => object));
}
