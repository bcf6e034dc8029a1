import { type RawBuilder, sql } from "kysely";
import { AppError } from "#kernel/errors.ts";

/** Most jobs that may wait at once. */
export interface QueueLimits {
  total: number;
  organisation: number;
}

const RETRY_AFTER_SECONDS = 5;

/** How many jobs wait, as far as the limits go: of the organisation and in all. */
export interface QueueCounts {
  own: number;
  total: number;
}

/** Counts what waits: one row of `QueueCounts`, a few index entries however long the queue is. */
export function queueCounts(organisation: string, limits: QueueLimits): RawBuilder<QueueCounts> {
  return sql<QueueCounts>`
    select
      (select count(*) from (select 1 from jobs where state = 'queued' and organisation = ${organisation}
        limit ${limits.organisation}) o)::integer as own,
      (select count(*) from (select 1 from jobs where state = 'queued' limit ${limits.total}) a)::integer as total`;
}

/**
 * Back-pressure: why one more job may not wait, `queue_full` for all together and `organisation_queue_full` for one
 * organisation. Nothing of a refused job is kept. Several replicas may go over by what they accept at the same moment.
 */
export function queueRefusal(counts: QueueCounts, limits: QueueLimits): AppError | undefined {
  const details = { retryAfterSeconds: RETRY_AFTER_SECONDS };
  if (counts.total >= limits.total) return new AppError("queue_full", undefined, { details });
  if (counts.own >= limits.organisation) return new AppError("organisation_queue_full", undefined, { details });
  return undefined;
}
