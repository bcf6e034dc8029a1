import t, { type Test } from "tap";
import { verifyLog } from "#audit/index.ts";
import type { LeaseRequest } from "#contract/runner.ts";
import { clock } from "../authority/stage.ts";
import { claim, report, submit } from "../jobs/staged-jobs.ts";
import { serveNodes } from "./served-nodes.ts";

const ASKING: LeaseRequest = { runner: "run_test", kind: "jobs", places: 1, waitMs: 0 };
const PARTS = [Buffer.from("as computed"), Buffer.from("as released")];

/** The node `run_test` with a leased job, and two more jobs that wait. */
async function stage(t: Test) {
  const { db, enrol } = await serveNodes(t);
  const client = await enrol("run_test");
  const first = await submit(db, { title: "first" });
  const [job] = await claim(db);
  t.equal(job!.id, first.id);
  const second = await submit(db, { title: "second" });
  clock.at += 1000;
  const waiting = [second, await submit(db, { title: "third" })];
  const end = (next?: LeaseRequest) => ({ report: report(), parts: PARTS, next });
  return { db, client, lease: job!.lease!, first, waiting, end };
}

t.test("a report is answered with work for the place that it gives free", async (t) => {
  const { db, client, lease, first, waiting, end } = await stage(t);
  const answered = await client.report(lease, end(ASKING));
  const [offered, ...more] = answered.leased;
  t.match(offered, { offer: { kind: "job", job: { id: waiting[0]!.id } } });
  t.strictSame(more, [], "one place, one job");
  const stateOf = async (id: string) =>
    db.selectFrom("jobs").select(["state", "runner"]).where("id", "=", id).execute();
  t.match(await stateOf(first.id), [{ state: "succeeded" }]);
  t.match(await stateOf(waiting[0]!.id), [{ state: "leased", runner: "run_test" }]);
  const entries = await db
    .selectFrom("audit_entries")
    .select(["action", "actor"])
    .orderBy("seq", "desc")
    .limit(3)
    .execute();
  const leased = entries.find(({ action }) => action === "job.leased");
  t.match(leased, { actor: { kind: "runner", id: "run_test" } }, "in the name of the runner, as when it asks for it");
  t.match(await verifyLog(db), { ok: true });

  t.strictSame(
    await client.report(lease, end(ASKING)),
    { accepted: false, leased: [] },
    "a report that comes again changes nothing and offers nothing",
  );
  t.match(await stateOf(waiting[1]!.id), [{ state: "queued" }]);
  const { offer } = offered!;
  const unasked = { accepted: true, leased: [] };
  t.strictSame(await client.report(offer.lease, end()), unasked, "nothing is offered to one that does not ask");
});

t.test("a node asks in its own name and for jobs only; a report that is refused is not taken", async (t) => {
  const { db, client, lease, first, end } = await stage(t);
  const sent = async (next: LeaseRequest) => {
    // tried again without the request, as after any failure: the report is the only copy of the work
    const { leased: offers } = await client.report(lease, end(next));
    const job = await db.selectFrom("jobs").select("state").where("id", "=", first.id).executeTakeFirst();
    return { offers, state: job?.state };
  };
  t.match(await sent({ ...ASKING, runner: "n2" }), { offers: [], state: "succeeded" });
  const leased = await db.selectFrom("jobs").select("id").where("state", "=", "leased").execute();
  t.strictSame(leased, []);
});
