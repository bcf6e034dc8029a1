/**
 * Real databases for tests: each test gets an empty, migrated one of its own, on PGlite and on PostgreSQL.
 *
 *     withDatabases(t, "a row comes back", async (t, { handle }) => { … handle.db … });
 */
import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { sql } from "kysely";
import pg from "pg";
import tap, { type Test } from "tap";
import { sha256 } from "#kernel/digest.ts";
import { type DatabaseHandle, type DatabaseOptions, migrate, openDatabase } from "#persistence/index.ts";
import { findPostgres, type PostgresCluster, startPostgres } from "./postgres-cluster.ts";

export interface TestDatabase {
  handle: DatabaseHandle;
  /** To open it a second time (PostgreSQL), or again after closing. */
  options: DatabaseOptions;
}

type Kind = DatabaseOptions["kind"];
type Body = (t: Test, database: TestDatabase) => Promise<void>;

const KINDS: readonly Kind[] = ["embedded", "postgres"];
const CACHE = resolve(import.meta.dirname, "../../node_modules/.cache");
const PGLITE_PACKAGE = resolve(import.meta.dirname, "../../node_modules/@electric-sql/pglite/package.json");
const MIGRATIONS = resolve(import.meta.dirname, "../../src/persistence/migrations");
const TEMPLATE_AGE_MS = 24 * 3_600_000;
const INSTALL_HINT = "PostgreSQL is not installed: apt-get install -y postgresql";

/** Two subtests, one a database. Without PostgreSQL its half is skipped, or fails if SLUICE_REQUIRE_POSTGRES=1. */
export async function withDatabases(t: Test, title: string, body: Body): Promise<void> {
  for (const kind of KINDS) {
    const skip = kind === "postgres" ? skipPostgres() : false;
    await t.test(`${title} (${kind})`, { skip }, async (t) => await body(t, await openTestDatabase(t, kind)));
  }
}

export function skipPostgres(): string | false {
  if (findPostgres() !== undefined || process.env["SLUICE_REQUIRE_POSTGRES"] === "1") return false;
  return INSTALL_HINT;
}

/**
 * An empty, migrated database for `t`. An embedded one is given back at the end, emptied and lent to the next
 * test of the file, because PGlite takes long to start.
 */
export async function openTestDatabase(t: Test, kind: Kind): Promise<TestDatabase> {
  const database = (kind === "embedded" ? idle.pop() : undefined) ?? (await openNew(kind));
  t.teardown(async () => {
    if (kind === "embedded" && (await empty(database.handle))) idle.push(database);
    else await database.handle[Symbol.asyncDispose]();
  });
  await migrate(database.handle);
  return database;
}

/** An empty database without any table. */
export async function createTestDatabase(t: Test, kind: Kind): Promise<DatabaseOptions> {
  if (kind === "postgres") return await createPostgres();
  const directory = await copyTemplate("empty");
  t.teardown(async () => await rm(directory, { recursive: true, force: true }));
  return { kind, directory };
}

/** A migrated embedded database that flushes what it acknowledges, for tests that kill its server. */
export async function copyDurable(directory: string): Promise<void> {
  await cp(await embeddedTemplate("durable"), directory, { recursive: true });
}

const idle: TestDatabase[] = [];

async function openNew(kind: Kind): Promise<TestDatabase> {
  if (kind === "postgres") {
    const options = await createPostgres();
    return { options, handle: await openDatabase(options) };
  }
  const directory = await copyTemplate("migrated");
  const handle = await openDatabase({ kind, directory });
  tap.teardown(async () => {
    await handle[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });
  return { options: { kind, directory }, handle };
}

/** False when the test has closed it. */
async function empty({ db }: DatabaseHandle): Promise<boolean> {
  try {
    await sql`drop schema public cascade`.execute(db);
    await sql`create schema public`.execute(db);
    await sql`discard all`.execute(db);
    return true;
  } catch {
    return false;
  }
}

type State = "empty" | "migrated" | "durable";

/** initdb takes PGlite seconds, and the migrations some tenths: done once, then copied. */
async function copyTemplate(state: State): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "sluice-embedded-"));
  await cp(await embeddedTemplate(state), directory, { recursive: true });
  return directory;
}

async function embeddedTemplate(state: State): Promise<string> {
  const template = join(CACHE, `sluice-pglite-${await templateKey(state)}`);
  if (await exists(template)) return template;
  await removeOldTemplates();
  await mkdir(CACHE, { recursive: true });
  const making = await mkdtemp(join(CACHE, "sluice-pglite-making-"));
  const handle = await openDatabase({ kind: "embedded", directory: making });
  if (state !== "empty") await migrate(handle);
  await handle[Symbol.asyncDispose]();
  // The flushes of a real database are tested in durability.test.ts; elsewhere they only cost time.
  if (state !== "durable") await appendFile(join(making, "pgdata", "postgresql.auto.conf"), "fsync = off\n");
  // Two test processes may make it at once; the first one's stays.
  await rename(making, template).catch(async (error: unknown) => {
    if (!(await exists(template))) throw error;
    await rm(making, { recursive: true, force: true });
  });
  return template;
}

/** A template holds for one version of PGlite and one state of the migrations. */
async function templateKey(state: State): Promise<string> {
  const { version } = JSON.parse(await readFile(PGLITE_PACKAGE, "utf8")) as { version: string };
  if (state === "empty") return `${version}-empty`;
  const names = (await readdir(MIGRATIONS)).toSorted();
  const texts = await Promise.all(names.map(async (name) => await readFile(join(MIGRATIONS, name), "utf8")));
  return `${version}-${sha256(JSON.stringify([state, names, texts])).slice(7, 23)}`;
}

async function removeOldTemplates(): Promise<void> {
  const names = (await exists(CACHE)) ? await readdir(CACHE) : [];
  for (const name of names.filter((entry) => entry.startsWith("sluice-pglite-"))) {
    const path = join(CACHE, name);
    if (Date.now() - (await stat(path)).ctimeMs > TEMPLATE_AGE_MS) await rm(path, { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

let cluster: Promise<PostgresCluster> | undefined;
let created = 0;

/** The server of this process, started at the first use and stopped at the end of the file. */
export async function postgresCluster(): Promise<PostgresCluster> {
  cluster ??= startCluster();
  return await cluster;
}

async function startCluster(): Promise<PostgresCluster> {
  const binaries = findPostgres();
  if (binaries === undefined) throw new Error(INSTALL_HINT);
  const started = await startPostgres(binaries);
  tap.teardown(async () => await started.stop());
  return started;
}

async function createPostgres(): Promise<DatabaseOptions> {
  const server = await postgresCluster();
  const name = `test_${process.pid}_${(created += 1)}`;
  const client = new pg.Client({ connectionString: server.url("postgres") });
  await client.connect();
  await client.query(`create database ${name} template template0`);
  await client.end();
  return { kind: "postgres", url: server.url(name), poolSize: 8 };
}
