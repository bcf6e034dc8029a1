import { mkdtempSync, readdirSync, renameSync, rmSync, utimesSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import t, { type Test } from "tap";
import { verifyLog } from "#audit/index.ts";
import { completeJob, getEgressRequest, openEgress, reviewRequest, revokeRelease } from "#egress/index.ts";
import { getJob } from "#jobs/index.ts";
import { type Digest, sha256 } from "#kernel/digest.ts";
import { type Database, type ObjectStore, openDatabase } from "#persistence/index.ts";
import { loadPolicyBundle } from "#policy/index.ts";
import { discardOutputs, expireEgress, removeUnneeded } from "#retention/index.ts";
import { act, body, clock, developer, operator, stageLive, step } from "../authority/stage.ts";
import { claim, facts, report, runner, submit } from "../jobs/staged-jobs.ts";
import { openTestDatabase, skipPostgres, withDatabases } from "../persistence/databases.ts";
import { openObjects } from "../persistence/object-directory.ts";

const bundle = loadPolicyBundle("policies");
const DAY_MS = 86_400_000;
const terms = { reviewDays: 30, releaseDays: 365 };

interface Stage {
  db: Database;
  objects: ObjectStore;
  directory: string;
  /** A job that ended; `row_level` waits for people, `safe` is released. */
  end(label: "safe" | "row_level"): Promise<{ job: string; computed: Digest; prepared: Digest }>;
  /** Makes every file old, so that it may go; the clock of the database is not that of the disk. */
  age(): void;
  sweep(): Promise<number>;
  has(digest: Digest): Promise<boolean>;
}

async function staged(t: Test, title: string, work: (t: Test, stage: Stage) => Promise<void>): Promise<void> {
  await withDatabases(t, title, async (t, { handle: { db } }) => {
    await stageLive(db);
    const directory = mkdtempSync(join(tmpdir(), "sluice-retention-"));
    t.teardown(() => rmSync(directory, { recursive: true, force: true }));
    const objects = await openObjects(directory);
    let made = 0;
    await work(t, {
      db,
      objects,
      directory,
      end: async (label) => {
        made += 1;
        const computed = await objects.put(Buffer.from(`computed ${made}`));
        const prepared = await objects.put(Buffer.from(`prepared ${made}`));
        const { id: job } = await submit(db);
        const [leased] = await claim(db);
        const stored = [{ quarantine: computed, release: prepared }];
        const told = report({ label, facts: { ...facts, label } });
        await act(db, runner, async (context) =>
          completeJob(context, bundle, { lease: leased!.lease!, report: told, stored }),
        );
        return { job, computed, prepared };
      },
      age: () => {
        const paths = readdirSync(join(directory, "objects"), { recursive: true, encoding: "utf8" });
        for (const path of paths) utimesSync(join(directory, "objects", path), 0, 0);
      },
      sweep: async () =>
        removeUnneeded({ db, objects, clock }, { revokedDays: 90, stop: new AbortController().signal }),
      has: async (digest) =>
        objects.get(digest).then(
          () => true,
          () => false,
        ),
    });
    t.match(await verifyLog(db), { ok: true }, "the log verifies");
  });
}

const discard = async (db: Database, days = 90) => act(db, operator, async (context) => discardOutputs(context, days));
const expire = async (db: Database) => act(db, operator, async (context) => expireEgress(context, terms));
const requestOf = async (db: Database, job: string) =>
  db.selectFrom("egress_requests").selectAll().where("job", "=", job).executeTakeFirstOrThrow();
const releaseOf = async (db: Database, job: string) =>
  db.selectFrom("releases").selectAll().where("job", "=", job).executeTakeFirstOrThrow();

await staged(t, "bytes as computed go after their time, what was released stays", async (t, stage) => {
  const { db } = stage;
  const { job, computed, prepared } = await stage.end("safe");
  stage.age();
  await discard(db);
  t.equal(await stage.sweep(), 0, "nothing is old enough");
  clock.at += 91 * DAY_MS;
  await discard(db);
  t.equal(await stage.sweep(), 0, "a day more for whoever copies the state");
  clock.at += 2 * DAY_MS;
  t.equal(await stage.sweep(), 1);
  t.equal(await stage.has(computed), false);
  t.equal(await stage.has(prepared), true, "the release serves it");
  const { facts: known, ...kept } = await getJob(db, job);
  const application = {
    job: { ...kept, facts: known },
    facts: known!,
    applicant: "zhao",
    productType: "statistical_report" as const,
    purpose: "again",
    recipients: ["acme"],
  };
  const release = await releaseOf(db, job);
  await act(db, operator, async (context) => revokeRelease(context, release.id, "test"));
  await t.rejects(
    act(db, developer, async (context) => openEgress(context, bundle, application)),
    { code: "content_discarded" },
    "and nothing is released of what is gone",
  );
});

await staged(t, "an open request keeps its bytes until it ends", async (t, stage) => {
  const { db } = stage;
  const { job, computed } = await stage.end("row_level");
  stage.age();
  clock.at += 29 * DAY_MS;
  await expire(db);
  t.match(await requestOf(db, job), { state: "under_review" });
  await discard(db, 1);
  clock.at += 2 * DAY_MS;
  t.equal(await stage.sweep(), 0);
  await expire(db);
  const request = await requestOf(db, job);
  t.match(request, { state: "expired" }, "nobody decided in time");
  const principal = {
    subject: "sun",
    organisation: "wz-operator",
    organisationKind: "operator" as const,
    roles: ["reviewer" as const],
  };
  const review = { decision: "approve" as const, comment: "late" };
  await t.rejects(
    act(db, operator, async (context) => reviewRequest(context, request.id, { principal, review, bundle })),
    { code: "invalid_transition" },
  );
  await discard(db, 1);
  clock.at += 2 * DAY_MS;
  await stage.sweep();
  t.equal(await stage.has(computed), false);
});

await staged(t, "what waits when its scenario ends, ends with it", async (t, stage) => {
  const { db } = stage;
  const { job } = await stage.end("row_level");
  await step(db, body, { step: "terminate", scenario: "clinic-access", reason: "test" });
  await expire(db);
  t.match(await getEgressRequest(db, (await requestOf(db, job)).id), { state: "expired" });
});

await staged(t, "a release ends after its time, and its bytes a day later", async (t, stage) => {
  const { db } = stage;
  const { job, prepared } = await stage.end("safe");
  stage.age();
  clock.at += 366 * DAY_MS;
  await discard(db);
  await expire(db);
  t.match(await releaseOf(db, job), { state: "expired", expired_at: new Date(clock.at) });
  t.match(await requestOf(db, job), { state: "expired" });
  const [entry] = await db.selectFrom("audit_entries").selectAll().where("action", "=", "release.expired").execute();
  t.equal(entry?.subject_id, (await releaseOf(db, job)).id);
  await stage.sweep();
  t.equal(await stage.has(prepared), true);
  clock.at += 2 * DAY_MS;
  await stage.sweep();
  t.equal(await stage.has(prepared), false);
});

await staged(t, "an object that no row names goes, one that was stored just now stays", async (t, stage) => {
  const { objects } = stage;
  const orphan = await objects.put(Buffer.from("of a report that never became durable"));
  const again = await objects.put(Buffer.from("stored twice"));
  stage.age();
  await objects.put(Buffer.from("stored twice"));
  t.equal(await stage.sweep(), 1);
  t.equal(await stage.has(orphan), false);
  t.equal(await stage.has(again), true);
});

t.test("of a request and a discard at the same moment one wins", { skip: skipPostgres() }, async (t) => {
  const { handle, options } = await openTestDatabase(t, "postgres");
  const other = await openDatabase(options);
  t.teardown(async () => other[Symbol.asyncDispose]());
  const { db } = handle;
  await stageLive(db);
  const { id } = await submit(db, { requestEgress: false });
  const [leased] = await claim(db);
  const stored = [{ quarantine: sha256("computed"), release: sha256("prepared") }];
  const told = report({ label: "row_level", facts: { ...facts, label: "row_level" } });
  await act(db, runner, async (context) =>
    completeJob(context, bundle, { lease: leased!.lease!, report: told, stored }),
  );
  const application = async (tx: Database) => {
    const job = await getJob(tx, id);
    const terms = { productType: "statistical_report" as const, purpose: "later", recipients: ["acme"] };
    return { job, facts: job.facts!, applicant: "zhao", ...terms };
  };
  clock.at += 91 * DAY_MS;
  const [opened, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const request = act(db, developer, async (context) => {
    const { requestId } = await openEgress(context, bundle, await application(context.tx));
    opened.resolve();
    await go.promise;
    return requestId;
  });
  await opened.promise;
  const discarding = discard(other.db);
  await sleep(300);
  go.resolve();
  const requestId = await request;
  await discarding;
  await discard(other.db);
  const outputs = async () => db.selectFrom("job_outputs").select("discarded_at").where("job", "=", id).execute();
  t.strictSame(await outputs(), [{ discarded_at: null }], "the request came first");

  await db.updateTable("egress_requests").set({ state: "rejected" }).where("id", "=", requestId).execute();
  const [gone, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const second = act(other.db, operator, async (context) => {
    await discardOutputs(context, 90);
    gone.resolve();
    await end.promise;
  });
  await gone.promise;
  const late = act(db, developer, async (context) => openEgress(context, bundle, await application(context.tx)));
  const refused = t.rejects(late, { code: "content_discarded" }, "the discard came first");
  await sleep(300);
  end.resolve();
  await second;
  await refused;
});

t.test("an object that was being removed when the process died is there again", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "sluice-leaving-"));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const open = async () => openObjects(directory);
  const digest = await (await open()).put(Buffer.from("bytes"));
  const hex = digest.slice("sha256:".length);
  await mkdir(join(directory, "objects", "leaving"));
  renameSync(join(directory, "objects", hex.slice(0, 2), hex), join(directory, "objects", "leaving", hex));
  t.equal(Buffer.from(await (await open()).get(digest)).toString(), "bytes");
  t.strictSame(readdirSync(join(directory, "objects", "leaving")), []);
});
