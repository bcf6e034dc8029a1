import { sql } from "kysely";
import { type Database, inTransaction, type Transaction } from "#persistence/index.ts";
import { isAppError } from "#kernel/errors.ts";
import type { AuditContext } from "./context.ts";
import { countRecords, markRecords, openRecords, writeRecords } from "./record.ts";
import { withAudit } from "./with-audit.ts";
import { watchWrites } from "./write-watch.ts";

/** Works that share transactions: what comes while one is being committed goes into the next, together. */
export interface AuditGroup {
  /** As `withAudit`: resolves when the work is durable. The work may run again, and others run before it. */
  run<T>(by: Omit<AuditContext, "tx">, work: (context: AuditContext) => Promise<T>): Promise<T>;
}

/** Most works of one transaction: a bound on how long the first waits for the last. */
const MAX_WORKS = 64;

interface Task {
  by: Omit<AuditContext, "tx">;
  work: (context: AuditContext) => Promise<unknown>;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

/** Before the work that runs now. */
const SAVEPOINT = "savepoint before_work";

type Outcome = { ok: true; value: unknown } | { ok: false; error: unknown };

/**
 * Group commit: one flush of the disk, and one turn at the head of the audit chain, for all works that wait. A work that is
 * refused (an `AppError`) leaves the others alone and nothing behind; when one fails in any other way, nothing is committed
 * and each runs again by itself.
 */
export function createAuditGroup(db: Database): AuditGroup {
  const waiting: Task[] = [];
  let running = false;
  const drain = async () => {
    running = true;
    while (waiting.length > 0) await runTogether(db, waiting.splice(0, MAX_WORKS));
    running = false;
  };
  return {
    run: async <T>(by: Omit<AuditContext, "tx">, work: (context: AuditContext) => Promise<T>) => {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      waiting.push({ by, work, resolve, reject });
      if (!running) drain().catch(reject);
      return (await promise) as T;
    },
  };
}

/** Never throws: every task is told how it ended. */
async function runTogether(db: Database, tasks: readonly Task[]): Promise<void> {
  const outcomes = await inTransaction(db, async (plain) => runAll(plain, tasks)).catch(async (error: unknown) =>
    mayTryAgain(error) && tasks.length > 1 ? runEachAlone(db, tasks) : tasks.map((): Outcome => ({ ok: false, error })),
  );
  for (const [index, outcome] of outcomes.entries()) {
    const { resolve, reject } = tasks[index]!;
    if (outcome.ok) resolve(outcome.value);
    else reject(outcome.error);
  }
}

/**
 * INVARIANT: nothing is tried again whose commit may have happened. When the connection is lost nobody knows; any other error
 * comes of a transaction that was rolled back.
 */
function mayTryAgain(error: unknown): boolean {
  return !isAppError(error, "database_unavailable");
}

/**
 * INVARIANT: of a work that is counted as refused nothing is left, neither rows nor entries, so what is committed is the work
 * of the others. A request with an idempotency key has written its key before it is refused.
 */
async function runAll(plain: Transaction, tasks: readonly Task[]): Promise<Outcome[]> {
  openRecords(plain);
  const outcomes: Outcome[] = [];
  for (const [index, { by, work }] of tasks.entries()) {
    const { tx, hasWritten } = watchWrites(plain);
    openRecords(tx, plain);
    const undo = markRecords(plain);
    const before = countRecords(plain);
    if (tasks.length > 1) await sql.raw(index === 0 ? SAVEPOINT : `release ${SAVEPOINT}; ${SAVEPOINT}`).execute(plain);
    try {
      outcomes.push({ ok: true, value: await work({ ...by, tx }) });
    } catch (error) {
      if (tasks.length === 1 || !isAppError(error) || error.code === "database_unavailable") throw error;
      await sql.raw(`rollback to ${SAVEPOINT}`).execute(plain);
      undo();
      outcomes.push({ ok: false, error });
      continue;
    }
    if (hasWritten() && countRecords(plain) === before) {
      throw new Error("a write without an audit entry was rolled back");
    }
  }
  await writeRecords(plain);
  return outcomes;
}

async function runEachAlone(db: Database, tasks: readonly Task[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const { by, work } of tasks) {
    const alone = withAudit(db, by, work);
    outcomes.push(
      await alone.then(
        (value): Outcome => ({ ok: true, value }),
        (error: unknown): Outcome => ({ ok: false, error }),
      ),
    );
  }
  return outcomes;
}
