import { sql } from "kysely";
import t from "tap";
import { verifyLog } from "#audit/index.ts";
import { jobEnds, noteEvents, openTail, purgeEvents, searchEvents } from "#security/index.ts";
import { cancelJob } from "#jobs/index.ts";
import { act, clock, developer, stageLive } from "../authority/stage.ts";
import { runner, submit } from "../jobs/staged-jobs.ts";
import { openTestDatabase, withDatabases } from "../persistence/databases.ts";
import { bundle, finish, kindsOf, note, refused, statement } from "./stage.ts";

const all = { limit: 1000 };

await withDatabases(t, "every job gives a complete story, told by its runner or not", async (t, { handle: { db } }) => {
  await stageLive(db);
  const { id } = await finish(db, { statements: [statement()] });
  const story = (await searchEvents(db, { job: id }, all)).items.toReversed();
  t.strictSame(kindsOf(story), ["job.started", "statement.ran", "job.ended"]);
  const place = {
    job: id,
    organisation: "acme",
    scenario: "clinic-access",
    runner: "run_test",
    confinement: "process",
  };
  for (const event of story) t.match(event, place, event.kind);
  t.match(story[1], { text: /count\(\*\)/, details: { statement: 1, label: "safe", rules: [] } });
  t.match(story[2], { severity: "info", details: { state: "succeeded", verdict: "release", statements: 1 } });

  const events = [
    { atMs: 7, kind: "statement.ran" as const, details: { statement: 1 } },
    { atMs: 9, kind: "limit.hit" as const, details: { limit: "wall_time" as const, configured: 5 } },
    { atMs: 9, kind: "process.killed" as const, details: { process: "engine" as const, by: "wall_time" as const } },
  ];
  const killed = await finish(db, { ...refused, reasonCode: "timeout", events });
  const kinds = ["job.started", "statement.refused", "limit.hit", "process.killed", "job.ended"];
  t.strictSame(kindsOf(killed.events), kinds, "a limit that the supervisor named is not told twice");
  t.equal(killed.events[1]!.atMs - killed.events[0]!.atMs, 5, "a statement has the supervisor's time, within the job");
  t.match(killed.events[1], { details: { basis: "form", codes: ["aggregate_refused"] }, text: /max\(income\)/ });
  const silent = await finish(db, { state: "failed", reasonCode: "memory_limit", outputs: [] });
  t.match(silent.events[1], { kind: "limit.hit", details: { limit: "memory" } });

  const waiting = await submit(db);
  const ends = await act(db, developer, async (context) => {
    await cancelJob(context, waiting.id, "acme");
    return noteEvents(context, bundle.security, await jobEnds(context.tx, [waiting.id]));
  });
  t.match(ends, [{ kind: "job.ended", details: { state: "cancelled", reasonCode: "cancelled" } }]);
  t.match(await verifyLog(db), { ok: true });
});

t.test("a statement that a script wrote after it was given rows is withheld", async (t) => {
  const { db } = (await openTestDatabase(t, "embedded")).handle;
  await stageLive(db);
  const rows = statement({ statement: 2, label: "row_level", sql: "select name from residents limit 1" });
  const tainted = statement({
    statement: 3,
    sql: "select 1 where 'a-value-of-the-data' = 'x'",
    findings: [{ rule: "G1", family: "form", code: "refused", effect: "refuse", message: "a-value-of-the-data" }],
  });
  const { id } = await finish(db, { label: "row_level", statements: [statement(), rows, tainted] });
  const { items } = await searchEvents(db, { job: id }, all);
  t.ok(
    items.some(({ text }) => text === rows.sql),
    "the first statement that reads rows is the developer's own text",
  );
  t.notMatch(JSON.stringify(items), /a-value-of-the-data/);
  t.match(
    items.find(({ kind }) => kind === "label.raised"),
    { details: { statement: 2 } },
  );
});

await withDatabases(
  t,
  "events are found by each filter, and pages stay what they are while others write",
  async (t, { handle: { db } }) => {
    await stageLive(db);
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push((await finish(db, i === 3 ? refused : { statements: [statement()] })).id);
    const find = async (filter: Parameters<typeof searchEvents>[1]) => (await searchEvents(db, filter, all)).items;
    t.equal((await find({})).length, 15);
    t.equal((await find({ job: ids[0] })).length, 3);
    t.equal((await find({ organisation: "nobody" })).length, 0);
    t.equal((await find({ scenario: "clinic-access", kinds: ["job.started", "job.ended"] })).length, 10);
    t.strictSame(kindsOf(await find({ severity: "notice" })), ["job.ended", "statement.refused"]);
    t.equal((await find({ text: "MAX(Income)" })).length, 1, "in any case");
    t.equal((await find({ text: "m%x" })).length, 0, "what stands for others in a pattern stands for itself");
    t.equal((await find({ since: new Date(clock.at + 1) })).length, 0);
    t.equal((await find({ until: new Date(clock.at + 1), severity: "warning" })).length, 0);

    const whole = await find({});
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await searchEvents(db, {}, { limit: 4, cursor });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.next;
      await finish(db, { statements: [statement()] });
    } while (cursor !== undefined);
    t.strictSame(
      seen,
      whole.map(({ id }) => id),
      "what came meanwhile is on none of the pages, nothing is there twice",
    );
    await t.rejects(searchEvents(db, {}, { limit: 1, cursor: "eA" }), { code: "invalid_cursor" });
  },
);

await withDatabases(
  t,
  "numbers come in the order of commits, so a tail misses nothing",
  async (t, { handle: { db } }) => {
    await stageLive(db);
    const tail = await openTail(db, { kinds: ["log.viewed"] }, {});
    const viewed = (subject: string) => ({
      kind: "log.viewed" as const,
      atMs: clock.at,
      text: "",
      details: { subject },
    });
    const seen: unknown[] = [];
    const writers = Array.from({ length: 20 }, async (_, i) => note(db, [viewed(`${i}a`), viewed(`${i}b`)]));
    const read = async () => seen.push(...(await tail.next()).events.map(({ details }) => details["subject"]));
    for (const writer of writers) await Promise.all([writer, read()]);
    await read();
    t.equal(seen.length, 40);
    t.equal(new Set(seen).size, 40);
    for (let i = 0; i < 40; i += 2)
      t.equal(`${String(seen[i]).slice(0, -1)}b`, seen[i + 1], "a transaction's are together");
  },
);

await withDatabases(
  t,
  "the log keeps what is younger than six months, and goes after its time",
  async (t, { handle: { db } }) => {
    const day = 86_400_000;
    const at = clock.at;
    clock.at = Date.now();
    t.teardown(() => void (clock.at = at));
    const event = (days: number) => ({
      kind: "log.viewed" as const,
      atMs: clock.at - days * day,
      text: "",
      details: { subject: String(days) },
    });
    await note(db, [event(401), event(399), event(1)]);
    const failure = async (work: Promise<unknown>) =>
      work.then(
        () => undefined,
        (error: unknown) => error,
      );
    const young = "delete from security_events where at > now() - interval '100 days'";
    for (const change of ["update security_events set text = 'x'", "truncate security_events", young])
      t.match(await failure(sql.raw(change).execute(db)), { sqlState: "23001" }, change);
    const purge = async (days: number) => act(db, runner, async (context) => purgeEvents(context, days));
    t.equal(await purge(400), false);
    const kept = (await searchEvents(db, {}, all)).items.map(({ details }) => details["subject"]);
    t.strictSame(kept, ["1", "399"]);
    t.match(await failure(purge(0)), { sqlState: "23001" }, "a setting cannot make it forget earlier");
    await purge(400);
    t.match(await verifyLog(db), { ok: true });
  },
);
