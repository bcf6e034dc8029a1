import t from "tap";
import { verifyLog } from "#audit/index.ts";
import {
  cancelJob,
  finishJob,
  findLeasedJob,
  getJob,
  heartbeatJob,
  listJobs,
  requeueLostJobs,
  startJob,
} from "#jobs/index.ts";
import { act, clock, developer, stageLive } from "../authority/stage.ts";
import { withDatabases } from "../persistence/databases.ts";
import { claim, report, runner, submit } from "./staged-jobs.ts";

await withDatabases(t, "a job goes from the queue over a lease to its end, once", async (t, { handle: { db } }) => {
  await stageLive(db);
  const { id } = await submit(db);
  t.match(await getJob(db, id), {
    state: "queued",
    attempts: 0,
    authority: { profile: "controlled", opinionNumber: "PO-1" },
  });
  const [leased] = await claim(db);
  t.match(leased, { id, state: "leased", attempts: 1, runner: "run_test" });
  t.strictSame(await claim(db), [], "nobody else gets it");
  const lease = leased!.lease!;
  t.ok(await act(db, runner, async (context) => startJob(context, lease)));
  t.notOk(await act(db, runner, async (context) => startJob(context, lease)), "starting twice changes nothing");
  const end = async () =>
    act(db, runner, async (context) => {
      const job = await findLeasedJob(context.tx, lease);
      return (
        job &&
        finishJob(context, job, {
          report: report(),
          stored: [{ quarantine: `sha256:${"a".repeat(64)}`, release: null }],
        })
      );
    });
  t.match(await end(), { state: "succeeded", verdict: "pending", lease: null });
  t.notOk(await end(), "a second report finds no lease");
  t.match(await verifyLog(db), { ok: true });
});

await withDatabases(
  t,
  "organisations take turns, interactive goes before batch, then age decides",
  async (t, { handle: { db } }) => {
    await stageLive(db);
    const order: string[] = [];
    for (const [title, jobClass] of [
      ["a1", "batch"],
      ["a2", "interactive"],
      ["a3", "interactive"],
    ] as const) {
      await submit(db, { title, class: jobClass });
      clock.at += 1000;
    }
    const late = await submit(db, { title: "g1" });
    await db.updateTable("jobs").set({ organisation: "globex" }).where("id", "=", late.id).execute();
    for (let i = 0; i < 4; i++) order.push((await claim(db))[0]!.title!);
    t.strictSame(order, ["a2", "g1", "a3", "a1"], "globex is served second although its job is the youngest");
  },
);

await withDatabases(t, "many claimers share the queue and no job is leased twice", async (t, { handle: { db } }) => {
  await stageLive(db);
  for (let i = 0; i < 12; i++) await submit(db);
  const claimed = (await Promise.all(Array.from({ length: 6 }, async () => claim(db, 3)))).flat();
  t.equal(new Set(claimed.map((job) => job.id)).size, claimed.length);
  const rest = await claim(db, 100);
  t.equal(claimed.length + rest.length, 12);
});

await withDatabases(
  t,
  "a lost lease returns the job once, then it ends as runner_lost",
  async (t, { handle: { db } }) => {
    await stageLive(db);
    const { id } = await submit(db);
    const [first] = await claim(db);
    const sweep = async () => {
      const { requeued, failed } = await act(db, runner, async (context) => requeueLostJobs(context));
      return { requeued, failed };
    };
    t.strictSame(await sweep(), { requeued: [], failed: [] }, "a lease that holds is left alone");
    clock.at += 20_000;
    t.strictSame(await heartbeatJob(db, first!.lease!, new Date(clock.at + 30_000)), { cancel: false });
    clock.at += 20_000;
    t.strictSame(await sweep(), { requeued: [], failed: [] }, "a heartbeat prolongs it");
    clock.at += 20_000;
    t.strictSame(await sweep(), { requeued: [id], failed: [] });
    t.equal(await heartbeatJob(db, first!.lease!, new Date(clock.at)), undefined, "the old lease is nobody's");
    const [second] = await claim(db);
    t.match(second, { id, attempts: 2 });
    clock.at += 40_000;
    t.strictSame(await sweep(), { requeued: [], failed: [id] });
    t.match(await getJob(db, id), { state: "failed", reason_code: "runner_lost", lease: null });
  },
);

await withDatabases(
  t,
  "a lease that was given by a clock that went wrong does not hold a job for days",
  async (t, { handle: { db } }) => {
    await stageLive(db);
    const { id } = await submit(db);
    const right = clock.at;
    clock.at += 3 * 86_400_000;
    const [leased] = await claim(db);
    clock.at = right;
    const { requeued } = await act(db, runner, async (context) => requeueLostJobs(context));
    t.strictSame(requeued, [id]);
    t.equal(await heartbeatJob(db, leased!.lease!, new Date(clock.at)), undefined);
    const [again] = await claim(db);
    t.strictSame((await act(db, runner, async (context) => requeueLostJobs(context))).requeued, [], "one of now holds");
    t.equal(again!.id, id);
  },
);

await withDatabases(
  t,
  "a waiting job is cancelled at once, a running one is asked to end",
  async (t, { handle: { db } }) => {
    await stageLive(db);
    const waiting = await submit(db);
    const cancel = async (id: string, organisation = "acme") =>
      act(db, developer, async (context) => cancelJob(context, id, organisation));
    await t.rejects(cancel(waiting.id, "globex"), { code: "not_found" });
    await cancel(waiting.id);
    t.match(await getJob(db, waiting.id), { state: "cancelled" });
    await t.rejects(cancel(waiting.id), { code: "invalid_transition" });
    const running = await submit(db);
    const [leased] = await claim(db);
    await cancel(running.id);
    t.strictSame(await heartbeatJob(db, leased!.lease!, new Date(clock.at + 30_000)), { cancel: true });
    clock.at += 60_000;
    await act(db, runner, async (context) => requeueLostJobs(context));
    t.match(await getJob(db, running.id), { state: "cancelled" }, "a lost runner does not bring a cancelled job back");
  },
);

await withDatabases(t, "a full queue refuses with a code and keeps what it has", async (t, { handle: { db } }) => {
  await stageLive(db);
  const limits = { total: 2, organisation: 2 };
  await submit(db, {}, limits);
  await submit(db, {}, limits);
  await t.rejects(submit(db, {}, limits), { code: "queue_full", details: { retryAfterSeconds: 5 } });
  await t.rejects(submit(db, {}, { ...limits, total: 9 }), { code: "organisation_queue_full" });
  t.equal((await listJobs(db, { limit: 10 })).length, 2);
});
