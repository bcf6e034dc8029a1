import { join } from "node:path";
import { sql } from "kysely";
import { recordLater, verifyLogWithin, withAudit } from "#audit/index.ts";
import type { Clock } from "#kernel/clock.ts";
import { AppError } from "#kernel/errors.ts";
import { type DatabaseHandle, migrate, type Transaction } from "#persistence/index.ts";
import { tableNames } from "./dump.ts";
import { readLines } from "./files.ts";
import { RESTORED } from "./finish.ts";
import type { Manifest } from "./manifest.ts";
import { pauseWebhooks } from "./pause-webhooks.ts";

const MIGRATIONS = "schema_migrations";
const HEAD = "audit_head";
/** Of two restores into one database the second waits, and then finds it taken. */
const LOCK_KEY = 0x7265_7374;
const BATCH_ROWS = 500;
const BATCH_CHARACTERS = 4_000_000;

export interface Load {
  /** Where the backup lies. */
  directory: string;
  manifest: Manifest;
  /** Names this restore in the audit log. */
  restore: string;
  clock: Clock;
  /** The last thing before the commit. */
  beforeCommit(): Promise<void>;
}

/**
 * Fills an empty database in one transaction: brings it to the schema of the backup, loads all rows, goes on to the newest
 * schema, verifies the audit log up to the backup's checkpoint, pauses the webhooks and adds an entry of this restore. Throws
 * `configuration_invalid` for a database that holds anything, or a backup of a newer program, `audit_broken` for a log that
 * does not verify.
 */
export async function loadDatabase({ db }: DatabaseHandle, order: Load): Promise<{ pausedWebhooks: string[] }> {
  const { manifest, directory, restore, clock, beforeCommit } = order;
  return withAudit(db, { actor: { kind: "system", id: "restore" }, clock }, async (context) => {
    const { tx } = context;
    await sql`select pg_advisory_xact_lock(${LOCK_KEY})`.execute(tx);
    await requireEmpty(tx);
    await migrate({ within: tx }, { upTo: manifest.migrations });
    await load(tx, directory, manifest);
    await migrate({ within: tx });
    await verify(tx, manifest);
    const pausedWebhooks = await pauseWebhooks(context);
    const { checkpoint, createdAt } = manifest;
    recordLater(context, {
      action: RESTORED,
      subject: { kind: "backup", id: restore },
      detail: { checkpoint: checkpoint.seq, createdAt, pausedWebhooks },
    });
    await beforeCommit();
    return { pausedWebhooks };
  });
}

/** Empty, or with the schema of a server that never did anything. */
async function requireEmpty(tx: Transaction): Promise<void> {
  const names = await tableNames(tx);
  if (names.length === 0) return;
  const taken = new AppError("configuration_invalid", "the database is not empty: restore into a new one");
  if (!names.includes(HEAD)) throw taken;
  const head = await tx.selectFrom(HEAD).select("seq").executeTakeFirst();
  if (head?.seq !== 0) throw taken;
}

async function verify(tx: Transaction, { checkpoint }: Manifest): Promise<void> {
  const verdict = await verifyLogWithin(tx, checkpoint);
  if (verdict.ok) return;
  const { seq, problem } = verdict;
  throw new AppError("audit_broken", `the audit log of the backup breaks at entry ${seq}`, {
    details: { seq, problem },
  });
}

/**
 * INVARIANT: triggers stay in force. Foreign keys are taken off and put on again, which checks every row; nothing here
 * needs more rights than the owner of the tables has.
 */
async function load(tx: Transaction, directory: string, manifest: Manifest): Promise<void> {
  const known = await tableNames(tx);
  const foreign = await takeOffForeignKeys(tx);
  for (const { name, path, rows } of manifest.tables) {
    if (!known.includes(name)) throw new AppError("configuration_invalid", `the backup's table ${name} is unknown`);
    if (name === MIGRATIONS || name === HEAD) continue;
    // what a migration put there is in the backup, too
    await sql`delete from ${sql.table(name)}`.execute(tx);
    const loaded = await loadTable(tx, name, join(directory, path));
    if (loaded !== rows) throw new AppError("configuration_invalid", `${path} has ${loaded} rows, not ${rows}`);
  }
  const { seq, hash, at } = manifest.checkpoint;
  // refused by its trigger unless the entry is there
  if (seq > 0)
    await tx
      .updateTable(HEAD)
      .set({ seq, hash, at: new Date(at) })
      .execute();
  for (const { name, value } of manifest.sequences) {
    if (value !== null) await sql`select setval(${name}::regclass, ${value}::bigint)`.execute(tx);
  }
  for (const { table, name, definition } of foreign) {
    await sql`alter table ${sql.table(table)} add constraint ${sql.id(name)} ${sql.raw(definition)}`.execute(tx);
  }
}

async function loadTable(tx: Transaction, name: string, path: string): Promise<number> {
  let batch: string[] = [];
  let characters = 0;
  let rows = 0;
  const flush = async () => {
    if (batch.length === 0) return;
    const table = sql.table(name);
    const values = `[${batch.join(",")}]`;
    await sql`insert into ${table} select * from jsonb_populate_recordset(null::${table}, ${values}::jsonb)`.execute(
      tx,
    );
    rows += batch.length;
    batch = [];
    characters = 0;
  };
  for await (const line of readLines(path)) {
    batch.push(line);
    characters += line.length;
    if (batch.length >= BATCH_ROWS || characters >= BATCH_CHARACTERS) await flush();
  }
  await flush();
  return rows;
}

interface ForeignKey {
  table: string;
  name: string;
  definition: string;
}

async function takeOffForeignKeys(tx: Transaction): Promise<ForeignKey[]> {
  const { rows } = await sql<ForeignKey>`
    select r.relname as table, c.conname as name, pg_get_constraintdef(c.oid) as definition
    from pg_constraint c join pg_class r on r.oid = c.conrelid join pg_namespace n on n.oid = c.connamespace
    where c.contype = 'f' and n.nspname = current_schema() order by 1, 2`.execute(tx);
  for (const { table, name } of rows) {
    await sql`alter table ${sql.table(table)} drop constraint ${sql.id(name)}`.execute(tx);
  }
  return rows;
}
