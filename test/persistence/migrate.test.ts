import { mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { sql } from "kysely";
import tap, { type Test } from "tap";
import { type DatabaseHandle, type DatabaseOptions, migrate, openDatabase } from "#persistence/index.ts";
import { createTestDatabase, skipPostgres } from "./databases.ts";

const MIGRATIONS = resolve(import.meta.dirname, "../../src/persistence/migrations");

async function onEmptyDatabases(title: string, body: (t: Test, opened: Opened) => Promise<void>): Promise<void> {
  for (const kind of ["embedded", "postgres"] as const) {
    const skip = kind === "postgres" && skipPostgres();
    await tap.test(`${title} (${kind})`, { skip }, async (t) => {
      const options = await createTestDatabase(t, kind);
      const handle = await openDatabase(options);
      t.teardown(async () => await handle[Symbol.asyncDispose]());
      const directory = await mkdtemp(join(tmpdir(), "sluice-migrations-"));
      t.teardown(async () => await rm(directory, { recursive: true }));
      await body(t, { handle, options, directory });
    });
  }
}

interface Opened {
  handle: DatabaseHandle;
  options: DatabaseOptions;
  /** For migrations of the test. */
  directory: string;
}

const write = async (directory: string, name: string, text: string) => await writeFile(join(directory, name), text);

await onEmptyDatabases("all migrations of the product apply, and a second time none", async (t, { handle }) => {
  const names = (await readdir(MIGRATIONS)).toSorted().map((name) => name.replace(".sql", ""));
  const first = await migrate(handle);
  const second = await migrate(handle);
  t.strictSame(first.applied, names);
  t.strictSame(second, { applied: [], version: first.version });
});

await onEmptyDatabases("a migration that fails leaves nothing behind", async (t, { handle, directory }) => {
  await write(directory, "0001_one.sql", "create table one (n integer);");
  await write(directory, "0002_two.sql", "create table two (n integer); insert into two values (1 / 0);");
  await t.rejects(migrate(handle, { directory }), { name: "DatabaseError" });
  const { rows } = await sql<{ one: string | null; two: string | null }>`
    select to_regclass('one')::text as one, to_regclass('two')::text as two`.execute(handle.db);
  t.strictSame(rows, [{ one: "one", two: null }]);
  await write(directory, "0002_two.sql", "create table two (n integer);");
  t.strictSame((await migrate(handle, { directory })).applied, ["0002_two"]);
});

await onEmptyDatabases("a changed, unknown or late migration is refused", async (t, { handle, directory }) => {
  await write(directory, "0001_one.sql", "create table one (n integer);");
  await write(directory, "0003_three.sql", "create table three (n integer);");
  await migrate(handle, { directory });
  await write(directory, "0001_one.sql", "create table one (n bigint);");
  await t.rejects(migrate(handle, { directory }), { code: "configuration_invalid", message: /changed/ });
  await write(directory, "0001_one.sql", "create table one (n integer);");
  await write(directory, "0002_two.sql", "create table two (n integer);");
  await t.rejects(migrate(handle, { directory }), { code: "configuration_invalid", message: /before/ });
  await rm(join(directory, "0002_two.sql"));
  await rename(join(directory, "0003_three.sql"), join(directory, "0004_three.sql"));
  await t.rejects(migrate(handle, { directory }), { code: "configuration_invalid", message: /unknown/ });
});

await onEmptyDatabases("two files with one number, or with another name, are refused", async (t, opened) => {
  const { handle, directory } = opened;
  await write(directory, "0001_one.sql", "select 1;");
  await write(directory, "0001_two.sql", "select 1;");
  await t.rejects(migrate(handle, { directory }), { code: "configuration_invalid" });
  await rename(join(directory, "0001_two.sql"), join(directory, "2_two.sql"));
  await t.rejects(migrate(handle, { directory }), { code: "configuration_invalid" });
});

await tap.test("replicas that start at once migrate once", { skip: skipPostgres() }, async (t) => {
  const options = await createTestDatabase(t, "postgres");
  const handles = await Promise.all([1, 2, 3].map(async () => await openDatabase(options)));
  t.teardown(async () => {
    for (const handle of handles) await handle[Symbol.asyncDispose]();
  });
  const reports = await Promise.all(handles.map(async (handle) => await migrate(handle)));
  t.equal(reports.filter(({ applied }) => applied.length > 0).length, 1);
});

await tap.test("an embedded database keeps what it holds when it is opened again", async (t) => {
  const options = await createTestDatabase(t, "embedded");
  for (const expected of [4, 0]) {
    await using handle = await openDatabase(options);
    const { applied } = await migrate(handle);
    t.ok(expected === 0 ? applied.length === 0 : applied.length >= 1);
  }
});
