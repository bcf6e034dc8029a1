import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { sql } from "kysely";
import tap, { type Test } from "tap";
import { openDatabase } from "#persistence/index.ts";
import { createTestDatabase } from "./databases.ts";

const PROGRAM = resolve(import.meta.dirname, "committing-process.ts");

/** A directory as in production: the test template's `fsync = off` taken out again. */
async function createDurable(t: Test): Promise<{ kind: "embedded"; directory: string }> {
  const options = await createTestDatabase(t, "embedded");
  if (options.kind !== "embedded") throw new Error("not embedded");
  const path = join(options.directory, "pgdata", "postgresql.auto.conf");
  await writeFile(path, (await readFile(path, "utf8")).replace("fsync = off\n", ""));
  return options;
}

/** The last number that the process told before kill -9. */
async function commitUntilKilled(directory: string, count: number): Promise<number> {
  const child = spawn(process.execPath, [PROGRAM, directory], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  let last = 0;
  let told = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    last = Number(line);
    told += 1;
    if (told === count) child.kill("SIGKILL");
  }
  const [, signal] = (await ended) as [number | null, string | null];
  if (signal !== "SIGKILL") throw new Error("the process ended by itself");
  return last;
}

await tap.test("what was acknowledged before kill -9 is there afterwards, each time", async (t) => {
  const options = await createDurable(t);
  for (const count of [3, 60]) {
    const acknowledged = await commitUntilKilled(options.directory, count);
    await using handle = await openDatabase(options);
    const { rows } = await sql<{ n: number; last: number; broken: number }>`
      select count(*) as n, max(n) as last, count(*) filter (where padding <> repeat(md5(n::text), 20)) as broken
      from committed`.execute(handle.db);
    const found = rows[0] ?? { n: 0, last: 0, broken: 0 };
    t.ok(found.last >= acknowledged, `${found.last} of ${acknowledged}`);
    t.equal(found.n, found.last, "without a gap");
    t.equal(found.broken, 0);
  }
});

await tap.test("each commit is flushed to the disk before it is acknowledged", async (t) => {
  const options = await createDurable(t);
  await using handle = await openDatabase(options);
  const settings = await sql<{ setting: string }>`
    select setting from pg_settings where name in ('fsync', 'synchronous_commit', 'full_page_writes')`.execute(
    handle.db,
  );
  t.strictSame(
    settings.rows.map(({ setting }) => setting),
    ["on", "on", "on"],
  );
  await sql`create table flushed (n integer)`.execute(handle.db);
  const flushes = countFlushes(t);
  for (let n = 1; n <= 10; n++) {
    await sql`insert into flushed values (${n})`.execute(handle.db);
    t.ok(flushes() >= n, `${flushes()} flushes after ${n} commits`);
  }
  const before = flushes();
  await sql`select count(*) from flushed`.execute(handle.db);
  t.equal(flushes(), before, "reading flushes nothing");
  await sql`checkpoint`.execute(handle.db);
  t.ok(flushes() > before + 2, "a checkpoint flushes the files of the tables");
});

function countFlushes(t: Test): () => number {
  const original = fs.fsyncSync;
  let count = 0;
  useFsync((descriptor) => {
    count += 1;
    original(descriptor);
  });
  t.teardown(() => useFsync(original));
  return () => count;
}

/** Also for modules that imported `fsyncSync` by name. */
function useFsync(fsyncSync: typeof fs.fsyncSync): void {
  fs.fsyncSync = fsyncSync;
  syncBuiltinESMExports();
}
