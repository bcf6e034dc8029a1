import { sql } from "kysely";
import { AppError } from "#kernel/errors.ts";
import type { Transaction } from "#persistence/index.ts";

/** Most jobs that may wait at once. */
export interface QueueLimits {
  total: number;
  organisation: number;
}

const RETRY_AFTER_SECONDS = 5;

/**
 * Back-pressure: refuses a job when as many wait as may, `queue_full` for all together and `organisation_queue_full` for one
 * organisation. Nothing of a refused job is kept. Several replicas may go over by what they accept at the same moment.
 */
export async function requireQueuePlace(tx: Transaction, organisation: string, limits: QueueLimits): Promise<void> {
  const { rows } = await sql<{ own: number; total: number }>`
    select
      (select count(*) from (select 1 from jobs where state = 'queued' and organisation = ${organisation}
        limit ${limits.organisation}) o)::integer as own,
      (select count(*) from (select 1 from jobs where state = 'queued' limit ${limits.total}) a)::integer as total`.execute(
    tx,
  );
  const { own, total } = rows[0]!;
  const details = { retryAfterSeconds: RETRY_AFTER_SECONDS };
  if (total >= limits.total) throw new AppError("queue_full", undefined, { details });
  if (own >= limits.organisation) throw new AppError("organisation_queue_full", undefined, { details });
}
