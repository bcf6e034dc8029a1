import { sql } from "kysely";
import type { Logger } from "pino";
import { REPLICA_GONE_AFTER_MS } from "#contract/node.ts";
import type { Clock } from "#kernel/clock.ts";
import { AppError } from "#kernel/errors.ts";
import { type DatabaseHandle, inTransaction } from "#persistence/index.ts";

export interface Replica {
  /** Names this process among the replicas; the same after a restart. */
  id: string;
  /** Digest of its policies. */
  bundle: string;
}

interface ReplicaOptions extends Replica {
  handle: DatabaseHandle;
  clock: Clock;
  log: Logger;
  /** Another process goes by this name now: this one must end. */
  onTaken(): void;
  /** How long a process that died may still have the name. */
  nameWaitMs?: number;
}

const SEEN_EVERY_MS = 5_000;
const FORGOTTEN_AFTER_MS = 24 * 3_600_000;
const LOCK_KEY = 0x7265_706c;

/** The server notices a lost machine after 11 seconds. */
const NAME_WAIT_MS = 15_000;

/**
 * Joins the replicas that are at work. INVARIANT: no two have the same name, by which they give back leases and know their own
 * messages; all of them have the same policies, or the answer to a request would depend on who takes it. Throws
 * `configuration_invalid`. Returns how to leave.
 */
export async function joinReplicas(options: ReplicaOptions): Promise<() => Promise<void>> {
  const { handle, clock, log, id, bundle } = options;
  // the embedded database has one process, by its lock
  if (!handle.claimName) return async () => undefined;
  const giveBack = await handle.claimName({
    name: id,
    waitMs: options.nameWaitMs ?? NAME_WAIT_MS,
    onTaken: options.onTaken,
  });
  if (!giveBack) {
    const message = `a server named ${id} is at work on this database: give each another SLUICE_REPLICA`;
    throw new AppError("configuration_invalid", message);
  }
  try {
    await join(handle, clock, { id, bundle });
  } catch (error) {
    await giveBack();
    throw error;
  }
  const timer = setInterval(() => {
    // one that cannot tell is taken for gone, and the next start of another may then differ
    handle.db
      .updateTable("replicas")
      .set({ seen_at: new Date(clock.nowMs()) })
      .where("id", "=", id)
      .execute()
      .catch((error: unknown) => log.warn({ err: error }, "the other replicas were not told that this one is at work"));
  }, SEEN_EVERY_MS);
  timer.unref();
  return async () => {
    clearInterval(timer);
    try {
      await handle.db.deleteFrom("replicas").where("id", "=", id).execute();
    } finally {
      await giveBack();
    }
  };
}

async function join({ db }: DatabaseHandle, clock: Clock, { id, bundle }: Replica): Promise<void> {
  const nowMs = clock.nowMs();
  const now = new Date(nowMs);
  await inTransaction(db, async (tx) => {
    // one joins after the other, so that of two that differ one sees the other
    await sql`select pg_advisory_xact_lock(${LOCK_KEY})`.execute(tx);
    const other = await tx
      .selectFrom("replicas")
      .select("id")
      .where("id", "<>", id)
      .where("policy_bundle", "<>", bundle)
      .where("seen_at", ">", new Date(nowMs - REPLICA_GONE_AFTER_MS))
      .executeTakeFirst();
    if (other) {
      const message = `the policies differ from those of ${other.id}, which is at work: stop all replicas to change them`;
      throw new AppError("configuration_invalid", message);
    }
    await tx
      .deleteFrom("replicas")
      .where("seen_at", "<", new Date(nowMs - FORGOTTEN_AFTER_MS))
      .execute();
    const row = { id, policy_bundle: bundle, started_at: now, seen_at: now };
    await tx
      .insertInto("replicas")
      .values(row)
      .onConflict((conflict) => conflict.column("id").doUpdateSet(row))
      .execute();
  });
}
