import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { sql } from "kysely";
import pg from "pg";
import t, { type Test } from "tap";
import { createReplicaSignal, joinReplicas } from "#control-plane/index.ts";
import { systemClock } from "#kernel/clock.ts";
import { sha256 } from "#kernel/digest.ts";
import { claimDeployment, type DatabaseHandle, openDatabase, openStorage } from "#persistence/index.ts";
import { stageLive } from "../authority/stage.ts";
import { submit } from "../jobs/staged-jobs.ts";
import { createTestDatabase, openTestDatabase, skipPostgres, withDatabases } from "../persistence/databases.ts";
import { startServeProcess } from "../end-to-end/serve-process.ts";
import { until } from "./city.ts";

const log = pino({ level: "silent" });
const onTaken = () => undefined;
const skip = skipPostgres();

async function second(t: Test, options: Parameters<typeof openDatabase>[0]): Promise<DatabaseHandle> {
  const handle = await openDatabase(options);
  t.teardown(async () => handle[Symbol.asyncDispose]());
  return handle;
}

t.test("what one replica tells wakes the other, once", { skip }, async (t) => {
  const { handle, options } = await openTestDatabase(t, "postgres");
  const a = await createReplicaSignal(handle, { id: "a", log });
  const b = await createReplicaSignal(await second(t, options), { id: "b", log });
  const heard: string[] = [];
  a.signal.onWork("jobs", () => heard.push("a work"));
  b.signal.onWork("jobs", () => heard.push("b work"));
  b.signal.onSecurity(() => heard.push("b security"));
  b.signal.onJob("job_1", ({ state }) => heard.push(`b job_1 ${state}`));
  b.signal.onJob("job_99", ({ state }) => heard.push(`b job_99 ${state}`));
  const at = new Date().toISOString();
  a.signal.work("jobs");
  t.strictSame(heard, ["a work"], "its own listeners hear it at once");
  a.signal.security();
  for (let i = 0; i < 100; i++) a.signal.job(`job_${i}`, { type: "state", state: "running", at });
  await until(() => heard.includes("b job_99 running") || undefined);
  t.strictSame(heard.toSorted(), ["a work", "b job_1 running", "b job_99 running", "b security", "b work"]);
  await Promise.all([a.close(), b.close()]);
});

t.test("a replica that is alone tells nobody, until it hears of another", { skip }, async (t) => {
  const { handle, options } = await openTestDatabase(t, "postgres");
  const told: string[] = [];
  await handle.listen("sluice_signal", (payload) => void told.push(payload));
  const works = () => told.filter((payload) => payload.includes('"jobs"],'));
  const a = await createReplicaSignal(handle, { id: "a", log, helloEveryMs: 200 });
  a.signal.work("jobs");
  await until(() => works().length > 0 || undefined);
  // nobody answers for longer than three greetings
  await sleep(800);
  a.signal.work("jobs");
  await sleep(50);
  t.equal(works().length, 1, "told while it could not know, and not any more");
  const b = await createReplicaSignal(await second(t, options), { id: "b", log, helloEveryMs: 200 });
  const before = told.length;
  await until(() => told.length > before + 2 || undefined);
  a.signal.work("jobs");
  await until(() => works().length > 1 || undefined);
  await Promise.all([a.close(), b.close()]);
});

t.test("replicas with other policies do not start beside each other", { skip }, async (t) => {
  const { handle } = await openTestDatabase(t, "postgres");
  const now = { ms: Date.now() };
  const clock = { nowMs: () => now.ms };
  const join_ = async (id: string, bundle: string) => joinReplicas({ handle, clock, log, id, bundle, onTaken });
  const leaveA = await join_("a", "sha256:1");
  const leaveB = await join_("b", "sha256:1");
  await t.rejects(join_("c", "sha256:2"), { code: "configuration_invalid", message: /policies differ/ });
  await leaveB();
  await t.rejects(join_("b", "sha256:2"), { code: "configuration_invalid" }, "a is still there");
  now.ms += 31_000;
  const leaveC = await join_("c", "sha256:2");
  t.pass("a was silent for long: it is gone");
  for (const leave of [leaveA, leaveC]) await leave();
  t.strictSame(await handle.db.selectFrom("replicas").selectAll().execute(), []);
});

t.test(
  "two servers of one name: the second does not start, and takes over when the first is gone",
  { skip },
  async (t) => {
    const { handle, options } = await openTestDatabase(t, "postgres");
    const taken: string[] = [];
    const join_ = async (by: DatabaseHandle, mark: string) =>
      joinReplicas({
        handle: by,
        clock: systemClock,
        log,
        id: "a",
        bundle: "sha256:1",
        nameWaitMs: 300,
        onTaken: () => taken.push(mark),
      });
    const other = await second(t, options);
    const leave = await join_(handle, "first");
    await t.rejects(join_(other, "second"), { code: "configuration_invalid", message: /named a is at work/ });
    const cut = async () =>
      sql`select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'sluice-name' and datname = current_database()`.execute(handle.db);
    const before = await holderOf(handle);
    await cut();
    await until(async () => {
      const holder = await holderOf(handle);
      return holder === before ? undefined : holder;
    });
    await t.rejects(join_(other, "second"), { code: "configuration_invalid" }, "it took its name again by itself");
    await leave();
    const leaveOther = await join_(other, "second");
    t.strictSame(taken, []);
    await leaveOther();

    const lost = await join_(handle, "first");
    const blocker = new pg.Client({ connectionString: options.kind === "postgres" ? options.url : "" });
    await blocker.connect();
    // waits for the name, and has it in the moment in which the connection is cut
    const waiting = blocker.query(
      "select pg_advisory_lock(classid::int, objid::int) from pg_locks where locktype = 'advisory' and objsubid = 2",
    );
    await sleep(100);
    await cut();
    await waiting;
    await until(() => (taken.includes("first") ? true : undefined));
    await blocker.end();
    await lost();
  },
);

/** The session that has a name. */
async function holderOf({ db }: DatabaseHandle): Promise<number | undefined> {
  const { rows } = await sql<{ pid: number }>`
    select pid from pg_locks l join pg_database d on d.oid = l.database and d.datname = current_database()
    where l.locktype = 'advisory' and l.objsubid = 2 and l.granted`.execute(db);
  return rows[0]?.pid;
}

t.test("a server that is killed starts again under its name at once", { skip, timeout: 120_000 }, async (t) => {
  const database = await createTestDatabase(t, "postgres");
  if (database.kind !== "postgres") throw new Error("it is PostgreSQL");
  const directory = mkdtempSync(join(tmpdir(), "sluice-name-"));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const start = async () => {
    const env = { SLUICE_DATABASE_URL: database.url, SLUICE_REPLICA: "one", SLUICE_LOG_LEVEL: "info" };
    const started = await startServeProcess({ directory, env, log: [] });
    t.teardown(() => started.child.kill("SIGKILL"));
    return started;
  };
  const { child } = await start();
  await t.rejects(start(), { message: /a server named one is at work/ });
  child.kill("SIGKILL");
  const again = await start();
  t.equal((await fetch(`${again.url}/healthz`)).status, 200);
});

await withDatabases(t, "database, storage and key stay together", async (t, { handle: { db } }) => {
  const root = mkdtempSync(join(tmpdir(), "sluice-claim-"));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  const open = async (name: string, key = "one.key") => {
    const path = join(root, key);
    return openStorage({
      place: { kind: "directory" },
      dataDirectory: join(root, name),
      key: { kind: "file", path, given: false },
    });
  };
  const claim = async (name: string, key?: string, ingests = true) => {
    const options = { nowMs: systemClock.nowMs(), dataDirectory: join(root, name), ingests };
    return claimDeployment(db, await open(name, key), options);
  };
  const first = await claim("a");
  t.match(first, { id: /^[0-9a-f]{32}$/, isIngestHome: true });
  t.strictSame(await claim("a"), first, "again, and for whoever shares the directory");
  t.match(await claim("a", "one.key", false), { isIngestHome: false }, "one that does not ingest");
  await t.rejects(claim("a", "two.key"), { code: "configuration_invalid", message: /key/ });
  t.match(await claim("b"), { id: first.id, isIngestHome: false }, "an empty storage, while there is nothing yet");
  const now = new Date();
  await db.insertInto("replicas").values({ id: "x", policy_bundle: "p", started_at: now, seen_at: now }).execute();
  await t.rejects(
    claim("d"),
    { code: "configuration_invalid", message: /at work/ },
    "no private storage beside others",
  );
  const foreign = await open("c");
  await foreign.mark.write("another deployment");
  await t.rejects(claim("c"), { code: "configuration_invalid", message: /another deployment/ });
});

await withDatabases(t, "a storage without what was given up is that of its database", async (t, { handle: { db } }) => {
  const root = mkdtempSync(join(tmpdir(), "sluice-claim-"));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  await stageLive(db);
  const job = await submit(db);
  const gone = sha256("gone");
  await sql`insert into job_outputs (job, position, name, descriptor, quarantine_object)
    values (${job.id}, 0, 't', '{}', ${gone})`.execute(db);
  const place = { kind: "directory" as const };
  const key = { kind: "file" as const, path: join(root, "one.key"), given: false };
  const storage = await openStorage({ place, dataDirectory: root, key });
  const claim = async () =>
    claimDeployment(db, storage, { nowMs: systemClock.nowMs(), dataDirectory: root, ingests: false });
  await t.rejects(claim(), { code: "configuration_invalid", message: /does not hold/ });
  await db.updateTable("job_outputs").set({ discarded_at: new Date() }).execute();
  t.match(await claim(), { id: /^[0-9a-f]{32}$/ }, "a backup does not hold it either");
});
