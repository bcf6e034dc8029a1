import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { verifyLog } from "#audit/index.ts";
import { restoreBackup, writeBackup } from "#backup/index.ts";
import { completeJob } from "#egress/index.ts";
import { sha256 } from "#kernel/digest.ts";
import { openDatabase } from "#persistence/index.ts";
import { loadPolicyBundle } from "#policy/index.ts";
import { act, stageLive } from "../authority/stage.ts";
import { claim, report, runner, submit } from "../jobs/staged-jobs.ts";
import { createTestDatabase, openTestDatabase, skipPostgres } from "../persistence/databases.ts";
import { openObjects } from "../persistence/object-directory.ts";

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
  const objects = await openObjects(data);
  const stored = [{ quarantine: await objects.put(Buffer.from("a")), release: await objects.put(Buffer.from("b")) }];
  await submit(handle.db);
  const [job] = await claim(handle.db);
  await act(handle.db, runner, async (context) =>
    completeJob(context, bundle, { lease: job!.lease!, report: report(), stored }),
  );
  const [to, keysTo] = [place("backup"), place("keys")];
  const place_ = { dataDirectory: data, storage: "directory" as const };
  const request = { handle, ...place_, products: false, policies: bundle.digest, nowMs: Date.now() };
  const written = await writeBackup({ ...request, to, keysTo });
  return { to, keysTo, written, request, stored };
}

async function restore(from: string, keysFrom: string, dataDirectory = place("restored")) {
  return restoreBackup({ from, keysFrom, dataDirectory });
}

async function restoreQuickly(t: Test, from: string, keysFrom: string) {
  const database = await createTestDatabase(t, quick);
  const postgres = database.kind === "postgres" ? database.url : undefined;
  return restoreBackup({ from, keysFrom, dataDirectory: place("restored"), postgres });
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
    t.strictSame((await handle.db.selectFrom("audit_entries").selectAll().execute()).length, written.checkpoint.seq);
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
  const path = join(to, "tables", "audit_entries.ndjson");
  const changed = readFileSync(path, "utf8").replace('"job.submitted"', '"job.dreamt_of"');
  writeFileSync(path, changed);
  const manifest = JSON.parse(readFileSync(join(to, "manifest.json"), "utf8")) as {
    tables: { path: string; bytes: number; digest: string }[];
  };
  const table = manifest.tables.find((each) => each.path === "tables/audit_entries.ndjson")!;
  Object.assign(table, { bytes: Buffer.byteLength(changed), digest: sha256(changed) });
  writeFileSync(join(to, "manifest.json"), JSON.stringify(manifest));
  await t.rejects(restoreQuickly(t, to, keysTo), { code: "audit_broken" });
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
  await t.rejects(
    writeBackup({ ...request, to: apart, storage: "s3" }),
    { code: "not_supported", message: /pg_dump/ },
    "what lies elsewhere is not taken for missing",
  );
  await t.rejects(writeBackup({ ...request, to: apart, keysTo: join(apart, "keys") }), {
    code: "configuration_invalid",
  });
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
  const request = { from: to, keysFrom: keysTo, postgres: database.url };
  await restoreBackup({ ...request, dataDirectory: place("restored") });
  await t.rejects(restoreBackup({ ...request, dataDirectory: place("restored") }), {
    code: "configuration_invalid",
    message: /not empty/,
  });
});
