import t from "tap";
import { createAuditGroup, verifyLog } from "#audit/index.ts";
import { completeJob } from "#egress/index.ts";
import { cancelJob, getJob, requeueLostJobs, startJob } from "#jobs/index.ts";
import type { Database } from "#persistence/index.ts";
import { claimJobs, type ClaimOptions, seeRunner, setRunnerState } from "#scheduling/index.ts";
import { act, clock, developer, operator, stageLive } from "../authority/stage.ts";
import { report, runner, submit } from "../jobs/staged-jobs.ts";
import { withDatabases } from "../persistence/databases.ts";
import { bundle } from "../security/stage.ts";

const take = async (db: Database, options: Partial<ClaimOptions> = {}) =>
  act(db, runner, async (context) => claimJobs(context, { runner: "one", leaseMs: 30_000, limit: 1, ...options }));

const giveTo = async (db: Database, id: string, organisation: string) =>
  db.updateTable("jobs").set({ organisation }).where("id", "=", id).execute();

const stored = [{ quarantine: `sha256:${"a".repeat(64)}`, release: `sha256:${"b".repeat(64)}` }];

await withDatabases(
  t,
  "rows that another claimer holds are skipped, and none is leased twice",
  async (t, { handle }) => {
    const { db } = handle;
    await stageLive(db);
    const ids: string[] = [];
    for (let i = 0; i < 12; i++) ids.push((await submit(db)).id);
    ids.sort();
    if (handle.kind === "postgres") {
      const held = Promise.withResolvers<void>();
      const holding = Promise.withResolvers<void>();
      const holder = db.transaction().execute(async (tx) => {
        await tx.selectFrom("jobs").select("id").where("id", "=", ids[0]!).forUpdate().execute();
        holding.resolve();
        await held.promise;
      });
      await holding.promise;
      t.match(await take(db, { limit: 1 }), { jobs: [], outrun: true }, "the oldest is held, and nobody waits for it");
      held.resolve();
      await holder;
    }
    const claims = await Promise.all(Array.from({ length: 6 }, async () => take(db, { limit: 3 })));
    const claimed = claims.flatMap(({ jobs }) => jobs.map(({ id }) => id));
    t.equal(new Set(claimed).size, claimed.length);
    const rest = await take(db, { limit: 100 });
    t.equal(claimed.length + rest.jobs.length, 12);
    t.equal(new Set([...claimed, ...rest.jobs.map(({ id }) => id)]).size, 12);
    t.match(await verifyLog(db), { ok: true });
  },
);

await withDatabases(t, "weights and what was used decide whose turn it is", async (t, { handle: { db } }) => {
  await stageLive(db);
  await db.updateTable("organisations").set({ weight: 3 }).where("id", "=", "globex").execute();
  for (let i = 0; i < 8; i++) {
    const { id } = await submit(db);
    if (i % 2 === 1) await giveTo(db, id, "globex");
  }
  const order: string[] = [];
  for (let i = 0; i < 4; i++) order.push((await take(db)).jobs[0]!.organisation);
  t.equal(order.filter((organisation) => organisation === "globex").length, 3, order.join());
  const lease = (
    await db
      .selectFrom("jobs")
      .select("lease")
      .where("organisation", "=", "globex")
      .where("lease", "is not", null)
      .executeTakeFirstOrThrow()
  ).lease!;
  clock.at += 90_000;
  const usage = { cpuMs: 90_000, peakMemoryBytes: 1, statements: 1, rows: 1, bytes: 1 };
  await act(db, runner, async (context) => completeJob(context, bundle, { lease, report: report({ usage }), stored }));
  const used = await db.selectFrom("organisation_use").selectAll().executeTakeFirstOrThrow();
  t.match(used, { organisation: "globex", cpu_ms: 90_000 });
  t.match(await db.selectFrom("scenario_use").selectAll().executeTakeFirst(), { jobs: 8, cpu_ms: 90_000 });
  t.equal((await take(db)).jobs[0]?.organisation, "acme", "it has used the processors for long");
});

await withDatabases(t, "what a job used counts in the transaction that ends it", async (t, { handle: { db } }) => {
  await stageLive(db);
  for (let i = 0; i < 4; i++) {
    const { id } = await submit(db);
    if (i % 2 === 1) await giveTo(db, id, "globex");
    clock.at += 1;
  }
  const [first] = (await take(db)).jobs;
  t.equal(first!.organisation, "acme", "the oldest");
  clock.at += 90_000;
  const usage = { cpuMs: 90_000, peakMemoryBytes: 1, statements: 1, rows: 1, bytes: 1 };
  const next = await act(db, runner, async (context) => {
    await completeJob(context, bundle, { lease: first!.lease!, report: report({ usage }), stored });
    return claimJobs(context, { runner: "run_test", leaseMs: 30_000, limit: 2 });
  });
  t.strictSame(
    next.jobs.map(({ organisation }) => organisation),
    ["globex", "globex"],
    "before the other job of the one that has just used so much",
  );
});

await withDatabases(
  t,
  "where one starts is settled by the first claim after it came",
  async (t, { handle: { db } }) => {
    await stageLive(db);
    const use = (organisation: string, cpu_ms: number) => ({ organisation, cpu_ms, at: new Date(clock.at) });
    // one that is not there now had the most while nobody else wanted anything
    await db
      .insertInto("organisation_use")
      .values([use("wz-operator", 60_000), use("acme", 10)])
      .execute();
    clock.at += 1;
    for (const organisation of ["acme", "globex", "globex"]) await giveTo(db, (await submit(db)).id, organisation);
    t.equal((await take(db)).jobs.length, 1);
    const settled = await db.selectFrom("organisation_use").selectAll().orderBy("organisation").execute();
    t.match(
      settled.map(({ organisation, cpu_ms: ms }) => [organisation, Math.round(ms / 1000)]),
      [
        ["acme", 60],
        ["globex", 60],
        ["wz-operator", 60],
      ],
      "as far as anybody came, chosen or not",
    );
    await take(db);
    t.strictSame(
      await db.selectFrom("organisation_use").selectAll().orderBy("organisation").execute(),
      settled,
      "once",
    );
  },
);

await withDatabases(
  t,
  "batch, memory, warm engines and the state of a runner bound what it gets",
  async (t, { handle: { db } }) => {
    await stageLive(db);
    for (let i = 0; i < 2; i++) await submit(db, { class: "batch" });
    const two = { limit: 2, places: 2 };
    t.equal((await take(db, { ...two, runningBatch: 1 })).jobs.length, 0, "one place is kept for interactive jobs");
    t.equal((await take(db, two)).jobs.length, 1);
    const memory = { memoryBytes: { interactive: 1, batch: 2 }, freeMemoryBytes: 1 };
    t.equal((await take(db, { limit: 3, places: 9, ...memory })).jobs.length, 0);
    await submit(db);
    const said = { kind: "jobs" as const, places: 2, waitMs: 0 };
    await seeRunner(db, { runner: "two", warm: ["clinic-access"], ...said }, clock.nowMs());
    await seeRunner(db, { runner: "one", ...said }, clock.nowMs());
    t.match(await take(db, memory), { jobs: [], againInMs: 1000 }, "the other runner is warm for it");
    const set = async (state: "paused" | "draining" | "active") =>
      act(db, operator, async (context) => setRunnerState(context, "two", { state }));
    for (const state of ["paused", "draining"] as const) {
      await set(state);
      t.equal((await take(db, { runner: "two", warm: ["clinic-access"], ...memory })).jobs.length, 0, state);
    }
    t.equal((await take(db, memory)).jobs.length, 1, "nobody waits for a runner that takes no work");
    await set("active");
    await t.rejects(set("active"), { code: "invalid_transition" });
    t.equal((await take(db, { runner: "two", places: 2 })).jobs.length, 1);
    await t.rejects(
      act(db, operator, async (context) => setRunnerState(context, "none", { state: "paused" })),
      {
        code: "not_found",
      },
    );
    t.match(await verifyLog(db), { ok: true });
  },
);

await withDatabases(
  t,
  "a job ends once: reports of several jobs at once, repeated, and after the lease was lost",
  async (t, { handle: { db } }) => {
    await stageLive(db);
    for (let i = 0; i < 4; i++) await submit(db);
    const { jobs } = await take(db, { limit: 4 });
    const group = createAuditGroup(db);
    const tell = async (lease: string) =>
      group.run({ actor: runner, clock }, async (context) =>
        completeJob(context, bundle, { lease, report: report(), stored }),
      );
    const leases = jobs.slice(0, 3).map(({ lease }) => lease!);
    const told = await Promise.all([...leases, ...leases].map(tell));
    t.equal(told.filter((done) => done !== undefined).length, 3, "a report that comes again changes nothing");
    clock.at += 60_000;
    await act(db, runner, async (context) => requeueLostJobs(context));
    t.equal(await tell(jobs[3]!.lease!), undefined, "the lease was taken away");
    const again = await take(db);
    t.match(again.jobs, [{ id: jobs[3]!.id, attempts: 2 }]);
    t.match(await tell(again.jobs[0]!.lease!), { state: "succeeded", verdict: "release" });
    const releases = await db.selectFrom("releases").select(["job", "audit_entry"]).execute();
    t.equal(new Set(releases.map(({ job }) => job)).size, 4);
    const entries = await db
      .selectFrom("audit_entries")
      .select(["seq"])
      .where("action", "=", "egress.released")
      .execute();
    t.strictSame(
      releases.map(({ audit_entry }) => audit_entry).toSorted((a, b) => a - b),
      entries.map(({ seq }) => seq).toSorted((a, b) => a - b),
      "each release names its entry",
    );
    t.match(await db.selectFrom("scenario_use").selectAll().executeTakeFirst(), { jobs: 4, releases: 4 });
    t.match(await verifyLog(db), { ok: true });
  },
);

await withDatabases(t, "a job is cancelled at every stage, and ends once", async (t, { handle: { db } }) => {
  await stageLive(db);
  const cancel = async (id: string) => act(db, developer, async (context) => cancelJob(context, id, "acme"));
  const queued = await submit(db);
  await cancel(queued.id);
  t.match(await getJob(db, queued.id), { state: "cancelled", reason_code: "cancelled" });
  for (const stage of ["leased", "running"] as const) {
    const { id } = await submit(db);
    const { lease } = (await take(db)).jobs[0]!;
    if (stage === "running") await act(db, runner, async (context) => startJob(context, lease!));
    t.equal((await getJob(db, id)).state, stage);
    await cancel(id);
    t.match(await getJob(db, id), { state: stage, cancel_requested: true });
    const cancelled = report({ state: "cancelled", reasonCode: "cancelled", outputs: [] });
    await act(db, runner, async (context) =>
      completeJob(context, bundle, { lease: lease!, report: cancelled, stored: [] }),
    );
    t.match(await getJob(db, id), { state: "cancelled", verdict: "not_requested" });
    await t.rejects(cancel(id), { code: "invalid_transition" });
  }
  const { id } = await submit(db);
  const { lease } = (await take(db)).jobs[0]!;
  const ending = act(db, runner, async (context) =>
    completeJob(context, bundle, { lease: lease!, report: report(), stored }),
  );
  const results = await Promise.allSettled([ending, cancel(id)]);
  t.equal(results[0].status, "fulfilled", "what was reported stands, whoever comes first");
  t.match(await getJob(db, id), { state: "succeeded", verdict: "release" });
  t.match(await verifyLog(db), { ok: true });
});
