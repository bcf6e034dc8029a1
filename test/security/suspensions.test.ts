import t, { type Test } from "tap";
import { verifyLog } from "#audit/index.ts";
import { getJob, heartbeatJob } from "#jobs/index.ts";
import type { Database } from "#persistence/index.ts";
import {
  acknowledgeAlarm,
  endSuspensions,
  liftSuspension,
  listAlarms,
  listSuspensions,
  searchEvents,
  setSuspension,
} from "#security/index.ts";
import { act, body, clock, reasons, security, stageLive } from "../authority/stage.ts";
import { claim, submit } from "../jobs/staged-jobs.ts";
import { withDatabases } from "../persistence/databases.ts";
import { blocked, bundle, finish, kindsOf, note, refused } from "./stage.ts";

const scenario = { scenario: "clinic-access" };
const bySecurity = { reason: "看看日志", authority: "security" as const };
const byBody = { reason: "整改", authority: "implementing_body" as const };

async function staged(t: Test, title: string, work: (t: Test, db: Database) => Promise<void>): Promise<void> {
  await withDatabases(t, title, async (t, { handle: { db } }) => {
    await stageLive(db);
    await work(t, db);
    t.match(await verifyLog(db), { ok: true }, "the log verifies");
  });
}

const alarms = async (db: Database) => (await listAlarms(db, { limit: 10 })).items;
const suspensions = async (db: Database) => (await listSuspensions(db, { limit: 10, nowMs: clock.at })).items;

await staged(t, "a suspension cancels what waits and runs, and lets nothing new begin", async (t, db) => {
  const running = await submit(db);
  const [leased] = await claim(db);
  const waiting = await submit(db);
  const set = async (authority = bySecurity as typeof bySecurity | typeof byBody, actor = security) =>
    act(db, actor, async (context) => setSuspension(context, { scope: scenario, ...authority }));
  const { view, events } = await set();
  t.match(view, { scope: scenario, state: "in_force", authority: "security", setBy: "qian" });
  t.strictSame(kindsOf(events), ["suspension.set", "job.ended"]);
  t.match(events[0], { organisation: "acme", scenario: "clinic-access", details: { jobs: 2 } });
  t.match(await getJob(db, waiting.id), { state: "cancelled", reason_code: "cancelled" });
  t.strictSame(await heartbeatJob(db, leased!.lease!, new Date(clock.at + 30_000)), { cancel: true }, running.id);
  t.strictSame(await reasons(db), ["scenario_suspended"]);
  t.strictSame(await reasons(db, "release"), ["scenario_suspended"]);
  await t.rejects(set(), { code: "conflict" }, "once is enough");

  const second = await set(byBody, body);
  const lift = async (id: string, actor = security) =>
    act(db, actor, async (context) => liftSuspension(context, id, "处理完毕"));
  await t.rejects(lift(second.view.id), { code: "forbidden" }, "what the implementing body set is its own to lift");
  t.match((await lift(view.id)).view, { state: "lifted", liftedBy: "qian" });
  await t.rejects(lift(view.id), { code: "invalid_transition" });
  t.strictSame(await reasons(db), ["scenario_suspended"], "the other one still stands");
  await lift(second.view.id, body);
  t.strictSame(await reasons(db), []);
  await t.rejects(lift("sus_none"), { code: "not_found" });
});

await staged(
  t,
  "an organisation is stopped with all its scenarios, and a suspension ends with its time",
  async (t, db) => {
    const set = async (organisation: string, untilMs?: number) =>
      act(db, security, async (context) => setSuspension(context, { scope: { organisation }, ...bySecurity, untilMs }));
    await t.rejects(set("nobody"), { code: "not_found" });
    await t.rejects(set("wz-operator"), { code: "invalid_request" }, "the operator runs no jobs");
    await t.rejects(set("acme", clock.at), { code: "invalid_request" }, "over before it began");
    await set("acme", clock.at + 60_000);
    t.strictSame(await reasons(db), ["organisation_suspended"]);
    clock.at += 60_000;
    t.strictSame(await reasons(db), [], "nobody has to sweep it first");
    t.match(await suspensions(db), [{ state: "ended" }]);
    await set("acme", clock.at + 60_000);
    clock.at += 60_000;
    const ended = await act(db, security, async (context) => endSuspensions(context));
    t.match(ended, [{ kind: "suspension.lifted", organisation: "acme", details: { by: "time" } }]);
    t.strictSame(await act(db, security, async (context) => endSuspensions(context)), [], "once");
  },
);

await staged(
  t,
  "repeated blocks suspend the scenario at the threshold and not before, with one alarm",
  async (t, db) => {
    const { count } = bundle.security.repeated_blocks;
    for (let i = 1; i < count.value; i++) await finish(db, blocked);
    for (let i = 0; i < count.value + 2; i++) await finish(db, refused);
    t.strictSame(await alarms(db), [], "neither too few, nor refusals that tell nothing of the data");
    t.strictSame(await reasons(db), []);
    const { events } = await finish(db, blocked);
    t.strictSame(kindsOf(events).slice(-2), ["alarm.raised", "suspension.set"]);
    const [alarm] = await alarms(db);
    t.match(alarm, { rule: "repeated_blocks", count: count.value, scenario: "clinic-access", state: "open" });
    t.match(await suspensions(db), [{ id: alarm!.suspension!, authority: "system", alarm: alarm!.id }]);
    t.strictSame(await reasons(db), ["scenario_suspended"]);
    await t.rejects(submit(db), /scenario_suspended/);

    const lifted = await act(db, security, async (context) => liftSuspension(context, alarm!.suspension!, "核实无误"));
    t.strictSame(kindsOf(lifted.events), ["alarm.acknowledged", "suspension.lifted"]);
    clock.at += 1000;
    for (let i = 1; i < count.value; i++) await finish(db, blocked);
    t.strictSame(await reasons(db), [], "the count starts anew");
    await finish(db, blocked);
    t.strictSame(await reasons(db), ["scenario_suspended"]);
  },
);

await staged(t, "where the policies say so, probing only raises the alarm", async (t, db) => {
  const { repeated_blocks: blocks } = bundle.security;
  let told: Awaited<ReturnType<typeof finish>>["events"] = [];
  for (let i = 1; i < blocks.count.value; i++) ({ events: told } = await finish(db, blocked));
  const again = told.filter(({ kind }) => kind === "statement.refused");
  const events = await note(db, again, { ...bundle.security, repeated_blocks: { ...blocks, suspends: false } });
  t.strictSame(kindsOf(events), ["statement.refused", "alarm.raised"]);
  t.match(await alarms(db), [{ rule: "repeated_blocks", state: "open" }]);
  t.strictSame(await reasons(db), []);
});

await staged(t, "blocks that lie far apart raise nothing", async (t, db) => {
  const { count, windowMinutes } = bundle.security.repeated_blocks;
  for (let i = 0; i < count.value + 1; i++) {
    await finish(db, blocked);
    clock.at += (windowMinutes.value * 60_000) / (count.value - 1) + 1000;
  }
  t.strictSame(await alarms(db), []);
});

await staged(t, "an attempt to escape raises an alarm at once, and a stream of them one", async (t, db) => {
  const details = { process: "isolate" as const, attempt: "ptrace" };
  const escape = { atMs: 1, kind: "escape.attempted" as const, details };
  const { id } = await finish(db, { events: [escape, escape] });
  await finish(db, { events: [escape] });
  const [alarm, ...others] = await alarms(db);
  t.strictSame(others, []);
  t.match(alarm, { rule: "escape_attempted", count: 3 });
  t.equal((await searchEvents(db, { kinds: ["alarm.raised"] }, { limit: 10 })).items.length, 1);
  t.equal((await searchEvents(db, { job: id, severity: "alarm" }, { limit: 10 })).items.length, 2);
  await act(db, security, async (context) => acknowledgeAlarm(context, alarm!.id, "已隔离"));
  await t.rejects(
    act(db, security, async (context) => acknowledgeAlarm(context, alarm!.id, "again")),
    { code: "invalid_transition" },
  );
  await finish(db, { events: [escape] });
  t.match(await alarms(db), [
    { count: 1, state: "open" },
    { state: "acknowledged", comment: "已隔离" },
  ]);
});

await staged(t, "limits that are hit again and again, and refused callers, raise an alarm each", async (t, db) => {
  const killed = {
    state: "failed" as const,
    reasonCode: "timeout" as const,
    outputs: [],
    events: [
      { atMs: 1, kind: "process.killed" as const, details: { process: "engine" as const, by: "wall_time" as const } },
    ],
  };
  const { count } = bundle.security.repeated_kills;
  for (let i = 1; i < count.value; i++) await finish(db, killed);
  t.strictSame(await alarms(db), [], "a job that is told of twice counts once");
  await finish(db, killed);
  t.match(await alarms(db), [{ rule: "repeated_kills", organisation: "acme", count: count.value }]);
  clock.at += 1000;
  const refusal = (times: number) => ({
    kind: "access.refused" as const,
    atMs: clock.at,
    text: "unauthenticated",
    details: { code: "unauthenticated", method: "GET", route: "/v1/jobs", count: times, address: "192.0.2.1" },
  });
  const least = bundle.security.repeated_access_refusals.count.value;
  await note(db, [refusal(least - 1)]);
  t.equal((await alarms(db)).length, 1);
  await note(db, [refusal(1)]);
  t.match(await alarms(db), [{ rule: "repeated_access_refusals", count: least }, {}]);
});
