import { join } from "node:path";
import { sql } from "kysely";
import { AppError } from "#kernel/errors.ts";
import { type DatabaseHandle, inTransaction, migrate, type Transaction } from "#persistence/index.ts";
import { tableNames } from "./dump.ts";
import { readLines } from "./files.ts";
import type { Manifest } from "./manifest.ts";

const MIGRATIONS = "schema_migrations";
const HEAD = "audit_head";
const BATCH_ROWS = 500;
const BATCH_CHARACTERS = 4_000_000;

/**
 * Fills an empty database: brings it to the schema of the backup, loads all rows in one transaction, and goes on to the
 * newest schema. Throws `configuration_invalid` for a database that holds anything, or a backup of a newer program.
 */
export async function loadDatabase(handle: DatabaseHandle, directory: string, manifest: Manifest): Promise<void> {
  const { db } = handle;
  const names = await tableNames(db);
  if (names.length > 0) await requireEmpty(handle, names);
  await migrate(handle, { upTo: manifest.migrations });
  await inTransaction(db, async (tx) => load(tx, directory, manifest));
  await migrate(handle);
}

/** Empty, or left by a restore that did not get to its end. */
async function requireEmpty({ db }: DatabaseHandle, names: readonly string[]): Promise<void> {
  const taken = new AppError("configuration_invalid", "the database is not empty: restore into a new one");
  if (!names.includes(HEAD)) throw taken;
  const head = await db.selectFrom(HEAD).select("seq").executeTakeFirst();
  if (head?.seq !== 0) throw taken;
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
