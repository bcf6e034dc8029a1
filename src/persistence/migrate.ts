import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "kysely";
import { sha256 } from "#kernel/digest.ts";
import { AppError } from "#kernel/errors.ts";
import type { DatabaseHandle } from "./open-database.ts";
import type { Database, Transaction } from "./schema.ts";

export interface MigrationReport {
  /** Names of the migrations that this call applied, in order. */
  applied: string[];
  /** Number of the newest migration. */
  version: number;
}

export interface MigrateOptions {
  directory?: string;
  /** Only these, which must be the first of what there is: a backup is restored into the schema that it was made of. */
  upTo?: readonly { number: number; name: string; digest: string }[];
}

interface Migration {
  number: number;
  name: string;
  text: string;
  digest: string;
}

const DIRECTORY = join(import.meta.dirname, "migrations");
const FILE_NAME = /^(\d{4})_([a-z0-9_]+)\.sql$/;
/** "sluice" as a number, so that no other program's advisory lock is meant by chance. */
const LOCK_KEY = 0x736c_7569;

/**
 * Brings the database to the newest schema: each migration in a transaction, in order, recorded with its digest; or all
 * `within` a transaction of the caller's, whose other statements then stand or fall with the schema.
 * Several processes may call it at once. AppError `configuration_invalid` when an applied migration was changed,
 * is unknown to this program (which is then older than the database), or a new one would come before an applied.
 */
export async function migrate(
  target: Pick<DatabaseHandle, "db"> | { within: Transaction },
  { directory = DIRECTORY, upTo }: MigrateOptions = {},
): Promise<MigrationReport> {
  const all = await readMigrations(directory);
  if (upTo) checkApplied(upTo, all);
  const migrations = upTo ? all.slice(0, upTo.length) : all;
  if ("within" in target) {
    const { within: tx } = target;
    await sql`select pg_advisory_xact_lock(${LOCK_KEY})`.execute(tx);
    return applyAll(tx, migrations, async (work) => work(tx));
  }
  return await target.db.connection().execute(async (connection) => {
    await sql`select pg_advisory_lock(${LOCK_KEY})`.execute(connection);
    try {
      return await applyAll(connection, migrations, async (work) => connection.transaction().execute(work));
    } finally {
      await sql`select pg_advisory_unlock(${LOCK_KEY})`.execute(connection);
    }
  });
}

async function readMigrations(directory: string): Promise<Migration[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith(".sql")).toSorted();
  const migrations = await Promise.all(names.map(async (name) => await readMigration(directory, name)));
  if (new Set(migrations.map(({ number }) => number)).size !== migrations.length) {
    throw invalid("two migrations have the same number");
  }
  return migrations;
}

async function readMigration(directory: string, name: string): Promise<Migration> {
  const [, number] = FILE_NAME.exec(name) ?? [];
  if (number === undefined) throw invalid(`${name}: a migration is named NNNN_name.sql`);
  const text = await readFile(join(directory, name), "utf8");
  return { number: Number(number), name: name.slice(0, -".sql".length), text, digest: sha256(text) };
}

type Run = (work: (tx: Transaction) => Promise<void>) => Promise<void>;

async function applyAll(
  db: Database | Transaction,
  migrations: readonly Migration[],
  run: Run,
): Promise<MigrationReport> {
  await sql`
    create table if not exists schema_migrations (
      number integer primary key, name text not null, digest text not null,
      applied_at timestamptz not null default now()
    )`.execute(db);
  const done = await db
    .selectFrom("schema_migrations")
    .select(["number", "name", "digest"])
    .orderBy("number")
    .execute();
  checkApplied(done, migrations);
  const pending = migrations.slice(done.length);
  for (const migration of pending) await run(async (tx) => apply(tx, migration));
  return { applied: pending.map(({ name }) => name), version: migrations.at(-1)?.number ?? 0 };
}

/** INVARIANT: what was applied is exactly the beginning of what there is. */
function checkApplied(
  done: readonly { number: number; name: string; digest: string }[],
  all: readonly Migration[],
): void {
  for (const [index, row] of done.entries()) {
    const migration = all[index];
    const known = all.find(({ number }) => number === row.number);
    if (!known) throw invalid(`migration ${row.name} of the database is unknown: is this program older than it?`);
    if (migration !== known) throw invalid(`migration ${migration?.name ?? ""} comes before one that was applied`);
    if (known.digest !== row.digest) throw invalid(`migration ${row.name} was changed after it was applied`);
  }
}

async function apply(tx: Transaction, { number, name, digest, text }: Migration): Promise<void> {
  await sql.raw(text).execute(tx);
  await tx.insertInto("schema_migrations").values({ number, name, digest, applied_at: new Date() }).execute();
}

function invalid(message: string): AppError {
  return new AppError("configuration_invalid", message);
}
