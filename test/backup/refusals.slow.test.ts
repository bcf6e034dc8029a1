import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import t, { type Test } from "tap";
import { listEntries, verifyLog } from "#audit/index.ts";
import { finishRestore, restoreBackup, writeBackup } from "#backup/index.ts";
import { completeJob, revokeRelease } from "#egress/index.ts";
import { systemClock } from "#kernel/clock.ts";
import { sha256 } from "#kernel/digest.ts";
import { openDatabase } from "#persistence/index.ts";
import { loadPolicyBundle } from "#policy/index.ts";
import { discardOutputs } from "#retention/index.ts";
import { findDueWebhooks, putWebhook, setWebhookState } from "#webhooks/index.ts";
import { act, clock, developer, operator, stageLive } from "../authority/stage.ts";
import { claim, report, runner, submit } from "../jobs/staged-jobs.ts";
import { createTestDatabase, openTestDatabase, skipPostgres } from "../persistence/databases.ts";
import { openDirectory, openObjects } from "../persistence/object-directory.ts";

const bundle = loadPolicyBundle("policies");
const root = mkdtempSync(join(tmpdir(), "sluice-refusals-"));
t.teardown(() => rmSync(root, { recursive: true, force: true }));
const kinds = skipPostgres() === false ? (["postgres", "embedded"] as const) : (["embedded"] as const);
/** Where an embedded one is not what is tested: PostgreSQL has a new one in a moment. */
const [quick] = kinds;
let made = 0;
const place = (name: string) => join(root, `${name}-${++made}`);

/** A backup without products of a database with a release, and its keys. */
async function makeBackup(t: Test, kind: "embedded" | "postgres") {
  const { handle } = await openTestDatabase(t, kind);
  await stageLive(handle.db);
  const data = place("data");
  const storage = await openDirectory(data);
  const { objects } = storage;
  const stored = [{ quarantine: await objects.put(Buffer.from("a")), release: await objects.put(Buffer.from("b")) }];
  await submit(handle.db);
  const [job] = await claim(handle.db);
  await act(handle.db, runner, async (context) =>
    completeJob(context, bundle, { lease: job!.lease!, report: report(), stored }),
  );
  const [to, keysTo] = [place("backup"), place("keys")];
  const place_ = { dataDirectory: data, storage };
  const request = { handle, ...place_, products: false, policies: bundle.digest, nowMs: Date.now() };
  const written = await writeBackup({ ...request, to, keysTo });
  return { to, keysTo, written, request, stored, handle };
}

async function restore(from: string, keysFrom: string, dataDirectory = place("restored")) {
  return restoreBackup({ from, keysFrom, dataDirectory, clock: systemClock });
}

async function restoreQuickly(t: Test, from: string, keysFrom: string) {
  const database = await createTestDatabase(t, quick);
  const postgres = database.kind === "postgres" ? database.url : undefined;
  return restoreBackup({ from, keysFrom, dataDirectory: place("restored"), postgres, clock: systemClock });
}

for (const kind of kinds) {
  t.test(`all rows come back, and the log verifies (${kind})`, async (t) => {
    const { to, keysTo, written, request, stored } = await makeBackup(t, kind);
    const data = place("restored");
    const done = await restore(to, keysTo, data);
    t.match(done, { rows: written.rows, checkpoint: written.checkpoint, products: false, policies: bundle.digest });
    await using handle = await openDatabase({ kind: "embedded", directory: join(data, "database") });
    t.match(await verifyLog(handle.db, written.checkpoint), { ok: true });
    for (const table of ["jobs", "job_outputs", "releases", "egress_requests", "scenarios", "products"] as const) {
      const [before, after] = await Promise.all(
        [request.handle.db, handle.db].map(async (db) => db.selectFrom(table).selectAll().execute()),
      );
      t.strictSame(after, before, table);
      t.ok(after!.length > 0, table);
    }
    const objects = await openObjects(data);
    t.equal(Buffer.from(await objects.get(stored[0]!.release)).toString(), "b");
    t.strictSame(
      (await handle.db.selectFrom("audit_entries").selectAll().execute()).length,
      written.checkpoint.seq + 1,
    );
    const [last] = await listEntries(handle.db, { afterSeq: written.checkpoint.seq, limit: 2 });
    t.match(last, { action: "backup.restored", detail: { checkpoint: written.checkpoint.seq } });
  });
}

t.test("a backup that was changed is refused, and nothing is left", async (t) => {
  const { to, keysTo } = await makeBackup(t, quick);
  const object = readdirSync(join(to, "data", "objects"), { recursive: true, encoding: "utf8" }).find((name) =>
    /[0-9a-f]{64}$/.test(name),
  )!;
  const damages: Record<string, [path: string, change: (text: string) => string, code: string]> = {
    "a row": ["tables/jobs.ndjson", (text) => text.replace("acme", "evil"), "object_missing"],
    "a table's end": [
      "tables/audit_entries.ndjson",
      (text) => text.slice(0, text.lastIndexOf("\n", text.length - 2)),
      "object_missing",
    ],
    "an object": [`data/objects/${object}`, (text) => `${text}x`, "object_missing"],
    "the list of files": ["files.ndjson", (text) => text.replace(/objects/, "../../x"), "object_missing"],
    "no manifest": ["manifest.json", () => "{", "configuration_invalid"],
    "another format": [
      "manifest.json",
      (text) => text.replace("sluice-backup/1", "sluice-backup/9"),
      "configuration_invalid",
    ],
  };
  for (const [name, [path, change, code]] of Object.entries(damages)) {
    const copy = place("copy");
    cpSync(to, copy, { recursive: true });
    writeFileSync(join(copy, path), change(readFileSync(join(copy, path), "latin1")), "latin1");
    const data = place("restored");
    await t.rejects(restore(copy, keysTo, data), { code }, name);
    t.strictSame(
      readdirSync(root).filter((entry) => join(root, entry).startsWith(data)),
      [],
      `${name}: nothing is left`,
    );
  }
});

t.test("a log that was changed with all its digests still does not pass", async (t) => {
  const { to, keysTo } = await makeBackup(t, quick);
  await t.rejects(restoreQuickly(t, forgeLog(to), keysTo), { code: "audit_broken" });
});

/** A copy of a backup whose log says something else, with all digests put right. */
function forgeLog(from: string): string {
  const to = place("forged");
  cpSync(from, to, { recursive: true });
  const path = join(to, "tables", "audit_entries.ndjson");
  const changed = readFileSync(path, "utf8").replace('"job.submitted"', '"job.dreamt_of"');
  writeFileSync(path, changed);
  const manifest = JSON.parse(readFileSync(join(to, "manifest.json"), "utf8")) as {
    tables: { path: string; bytes: number; digest: string }[];
  };
  const table = manifest.tables.find((each) => each.path === "tables/audit_entries.ndjson")!;
  Object.assign(table, { bytes: Buffer.byteLength(changed), digest: sha256(changed) });
  writeFileSync(join(to, "manifest.json"), JSON.stringify(manifest));
  return to;
}

t.test(
  "a restore into PostgreSQL that fails leaves no table, and the next one works",
  { skip: skipPostgres() },
  async (t) => {
    const { to, keysTo } = await makeBackup(t, "postgres");
    const database = await createTestDatabase(t, "postgres");
    if (database.kind !== "postgres") throw new Error("it is PostgreSQL");
    const request = { keysFrom: keysTo, postgres: database.url, clock: systemClock };
    const forged = forgeLog(to);
    await t.rejects(restoreBackup({ ...request, from: forged, dataDirectory: place("restored") }), {
      code: "audit_broken",
    });
    // the last step: its place was taken while the rows were loaded
    const taken = place("taken");
    const failing = restoreBackup({ ...request, from: to, dataDirectory: join(taken, "data") });
    await t.rejects(Promise.all([failing, takePlace(taken)]));
    await using handle = await openDatabase(database);
    const { rows } = await sql`select relname from pg_class where relnamespace = 'public'::regnamespace`.execute(
      handle.db,
    );
    t.strictSame(rows, []);
    const data = place("restored");
    await restoreBackup({ ...request, from: to, dataDirectory: data });
    t.match(await verifyLog(handle.db), { ok: true });
    t.notOk(readdirSync(data).includes("restoring.json"));
  },
);

/** A file where the directory should be, from the moment in which everything is copied. */
async function takePlace(directory: string): Promise<void> {
  while (!existsSync(join(directory, "data.restoring", "keys"))) await sleep(1);
  mkdirSync(join(directory, "data"));
  writeFileSync(join(directory, "data", "mine"), "");
}

t.test("a restore that died at its last step is finished, or begun again", { skip: skipPostgres() }, async (t) => {
  const { to, keysTo } = await makeBackup(t, "postgres");
  const database = await createTestDatabase(t, "postgres");
  if (database.kind !== "postgres") throw new Error("it is PostgreSQL");
  const request = { from: to, keysFrom: keysTo, postgres: database.url, clock: systemClock };
  // died before the commit: the directory has its name, the database is empty
  const data = place("restored");
  const mark = (restore: string) => writeFileSync(join(data, "restoring.json"), JSON.stringify({ restore }));
  mkdirSync(join(data, "keys"), { recursive: true });
  mark("res_lost");
  await using handle = await openDatabase(database);
  await t.rejects(finishRestore(handle.db, data), { code: "configuration_invalid", message: /restore/ });
  await restoreBackup({ ...request, dataDirectory: data });
  await finishRestore(handle.db, data);
  // died after the commit: only the mark was left
  const [entry] = await listEntries(handle.db, { afterSeq: 0, limit: 10, action: "backup.restored" });
  mark(entry!.subject.id);
  await t.rejects(restoreBackup({ ...request, dataDirectory: data }), { message: /not empty/ });
  await finishRestore(handle.db, data);
  t.notOk(readdirSync(data).includes("restoring.json"));
});

t.test("keys and places that do not fit are refused", async (t) => {
  const { to, keysTo, request } = await makeBackup(t, quick);
  const other = place("keys");
  mkdirSync(other);
  await t.rejects(restore(to, other), { code: "configuration_invalid", message: /is not in/ });
  writeFileSync(join(other, "seal.key"), Buffer.alloc(32, 7));
  await t.rejects(restore(to, other), { code: "configuration_invalid", message: /not the one/ });
  await t.rejects(restore(to, keysTo, root), { code: "configuration_invalid", message: /not empty/ });
  await t.rejects(writeBackup({ ...request, to }), { code: "configuration_invalid", message: /taken/ });
  const apart = place("apart");
  await t.rejects(writeBackup({ ...request, to: apart, keysTo: join(apart, "keys") }), {
    code: "configuration_invalid",
  });
});

t.test("a restored copy tells no neighbouring system of anything until somebody resumes it", async (t) => {
  const { request, handle } = await makeBackup(t, quick);
  const by = { url: "https://registry.example.test/sluice", events: ["job.ended" as const] };
  const rules = { hosts: ["registry.example.test"], development: false };
  for (const id of ["registry", "stopped", "gone"]) {
    await act(handle.db, operator, async (context) => putWebhook(context, { id, ...by }, rules));
  }
  await act(handle.db, operator, async (context) => setWebhookState(context, "stopped", "paused"));
  await act(handle.db, operator, async (context) => setWebhookState(context, "gone", "removed"));
  t.ok((await findDueWebhooks(handle.db)).length > 0, "the original has something to tell");
  const { directory: from } = await writeBackup({ ...request, to: place("backup") });
  const database = await createTestDatabase(t, quick);
  const postgres = database.kind === "postgres" ? database.url : undefined;
  const data = place("restored");
  const keysFrom = join(request.dataDirectory, "keys");
  const done = await restoreBackup({ from, keysFrom, dataDirectory: data, postgres, clock });
  t.strictSame(done.pausedWebhooks, ["registry"]);
  const embedded = { kind: "embedded" as const, directory: join(data, "database") };
  await using restored = await openDatabase(postgres === undefined ? embedded : database);
  t.strictSame(await findDueWebhooks(restored.db), []);
  const states = await restored.db.selectFrom("webhooks").select(["id", "state"]).orderBy("id").execute();
  t.match(states, [{ state: "removed" }, { state: "paused" }, { state: "paused" }]);
  await act(restored.db, operator, async (context) => setWebhookState(context, "registry", "active"));
  t.strictSame(await findDueWebhooks(restored.db), ["webhook.registry"], "and then they go on");
});

t.test("the bytes of a revoked release are evidence: backed up for as long as they are kept", async (t) => {
  const { request, stored, handle } = await makeBackup(t, quick);
  const { id } = await handle.db.selectFrom("releases").select("id").executeTakeFirstOrThrow();
  await act(handle.db, developer, async (context) => revokeRelease(context, id, "test"));
  clock.at += 91 * 86_400_000;
  await act(handle.db, developer, async (context) => discardOutputs(context, 90));
  const first = await writeBackup({ ...request, to: place("backup") });
  t.equal(first.evidenceAbsent, 0);
  const data = place("restored");
  const database = await createTestDatabase(t, quick);
  const postgres = database.kind === "postgres" ? database.url : undefined;
  const from = first.directory;
  await restoreBackup({ from, keysFrom: join(request.dataDirectory, "keys"), dataDirectory: data, postgres, clock });
  const objects = await openObjects(data);
  t.equal(Buffer.from(await objects.get(stored[0]!.release)).toString(), "b");
  await t.rejects(objects.get(stored[0]!.quarantine), { code: "object_missing" }, "what was given up is not copied");
  rmSync(join(request.dataDirectory, "objects"), { recursive: true });
  const later = await writeBackup({ ...request, to: place("backup") });
  t.match(later, { evidenceAbsent: 1, files: 0 }, "when its time is over there is a backup without it, which says so");
});

t.test("a state that has lost an object is not backed up as if it were whole", async (t) => {
  const { request } = await makeBackup(t, quick);
  rmSync(join(request.dataDirectory, "objects"), { recursive: true });
  const to = place("backup");
  await t.rejects(writeBackup({ ...request, to }), { code: "object_missing" });
  t.strictSame(
    readdirSync(root).filter((entry) => join(root, entry).startsWith(to)),
    [],
  );
});

t.test("nothing is restored over rows that are there", { skip: skipPostgres() }, async (t) => {
  const { to, keysTo } = await makeBackup(t, quick);
  const database = await createTestDatabase(t, "postgres");
  if (database.kind !== "postgres") throw new Error("it is PostgreSQL");
  const request = { from: to, keysFrom: keysTo, postgres: database.url, clock: systemClock };
  await restoreBackup({ ...request, dataDirectory: place("restored") });
  await t.rejects(restoreBackup({ ...request, dataDirectory: place("restored") }), {
    code: "configuration_invalid",
    message: /not empty/,
  });
});
