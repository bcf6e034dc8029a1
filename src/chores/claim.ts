import { sql } from "kysely";
import { createId } from "#kernel/ids.ts";
import type { Database } from "#persistence/index.ts";

export interface ClaimedChore {
  name: string;
  lease: string;
  /** Failures in a row before this run. */
  failures: number;
}

/** Makes the rows of chores that are not known yet; they are due at once. */
export async function ensureChores(db: Database, names: readonly string[], nowMs: number): Promise<void> {
  if (names.length === 0) return;
  const rows = names.map((name) => ({
    name,
    due_at: new Date(nowMs),
    lease: null,
    lease_expires_at: null,
    last_error: null,
    started_at: null,
    succeeded_at: null,
  }));
  await db
    .insertInto("chores")
    .values(rows)
    .onConflict((conflict) => conflict.column("name").doNothing())
    .execute();
}

export interface ClaimRequest {
  names: readonly string[];
  nowMs: number;
  leaseMs: number;
  limit: number;
}

/** A start that lies so far ahead was written by a clock that went wrong. Clocks of several machines differ by less. */
const AHEAD_MS = 300_000;

/** Takes what is due and nobody holds, longest due first; and what a clock that went wrong has put off. */
export async function claimChores(db: Database, request: ClaimRequest): Promise<ClaimedChore[]> {
  const { names, nowMs, leaseMs, limit } = request;
  const now = new Date(nowMs);
  const ahead = new Date(nowMs + AHEAD_MS);
  const lease = createId("lease", nowMs);
  const { rows } = await sql<{ name: string; failures: number }>`
    with claimed as (
      select name from chores c
      where (due_at <= ${now} or started_at > ${ahead})
        and (lease is null or lease_expires_at <= ${now} or started_at > ${ahead})
        and name = any(${[...names]})
      order by due_at, name
      limit ${limit}
      for update of c skip locked
    )
    update chores set lease = ${lease} || '/' || chores.name, lease_expires_at = ${new Date(nowMs + leaseMs)},
      started_at = ${now}
    from claimed where chores.name = claimed.name
    returning chores.name, chores.failures`.execute(db);
  return rows.map(({ name, failures }) => ({ name, failures, lease: `${lease}/${name}` }));
}

/** Prolongs the lease; false when it is somebody else's by now. */
export async function renewChore(db: Database, lease: string, expiresAt: Date): Promise<boolean> {
  const kept = await db
    .updateTable("chores")
    .set({ lease_expires_at: expiresAt })
    .where("lease", "=", lease)
    .returning("name")
    .executeTakeFirst();
  return kept !== undefined;
}

export type ChoreEnd = { lease: string; dueAt: Date } & ({ succeededAt: Date } | { error: string });

/** Gives the chore back, due again then. Nothing happens when the lease was lost. */
export async function finishChore(db: Database, end: ChoreEnd): Promise<void> {
  const given = { lease: null, lease_expires_at: null, due_at: end.dueAt };
  await db
    .updateTable("chores")
    .set(given)
    .set(({ eb }) =>
      "error" in end
        ? { failures: eb("failures", "+", 1), last_error: end.error }
        : { failures: 0, last_error: null, succeeded_at: end.succeededAt },
    )
    .where("lease", "=", end.lease)
    .execute();
}
