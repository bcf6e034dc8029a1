import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import {
  backoffMs,
  claimChores,
  createSteadiness,
  ensureChores,
  finishChore,
  listChores,
  renewChore,
  runChores,
} from "#chores/index.ts";
import { AppError } from "#kernel/errors.ts";
import { openDatabase } from "#persistence/index.ts";
import { withDatabases } from "../persistence/databases.ts";

const NOW = Date.parse("2026-06-01T00:00:00Z");
const request = { names: ["a", "b"], nowMs: NOW, leaseMs: 60_000, limit: 10 };

await withDatabases(t, "a chore is claimed once, and again when its lease ran out", async (t, { handle: { db } }) => {
  await ensureChores(db, ["a", "b", "other"], NOW);
  await ensureChores(db, ["a"], NOW + 5_000);
  const first = await claimChores(db, request);
  t.strictSame(first.map(({ name }) => name).toSorted(), ["a", "b"], "what was asked for and is due");
  t.strictSame(await claimChores(db, request), [], "nobody else gets them");
  const [a] = first;
  t.equal(await renewChore(db, a!.lease, new Date(NOW + 120_000)), true);
  const later = await claimChores(db, { ...request, nowMs: NOW + 60_000 });
  t.equal(later.length, 1, "the one that was not renewed");
  t.equal(await renewChore(db, first.find(({ name }) => name === later[0]!.name)!.lease, new Date()), false);
});

await withDatabases(t, "a failure is counted and told, a success clears it", async (t, { handle: { db } }) => {
  await ensureChores(db, ["a"], NOW);
  const [first] = await claimChores(db, request);
  await finishChore(db, { lease: first!.lease, dueAt: new Date(NOW + 5_000), error: "database_unavailable" });
  t.match(await listChores(db, NOW), [{ name: "a", failures: 1, lastError: "database_unavailable", running: false }]);
  t.strictSame(await claimChores(db, request), [], "not due yet");
  const [second] = await claimChores(db, { ...request, nowMs: NOW + 5_000 });
  t.equal(second!.failures, 1);
  await finishChore(db, { lease: second!.lease, dueAt: new Date(NOW + 9_000), succeededAt: new Date(NOW + 6_000) });
  t.match(await listChores(db, NOW), [{ failures: 0, succeededAt: "2026-06-01T00:00:06.000Z" }]);
  await finishChore(db, { lease: first!.lease, dueAt: new Date(NOW), error: "internal" });
  t.match(await listChores(db, NOW), [{ failures: 0 }], "whoever lost the lease changes nothing");
});

await withDatabases(t, "a clock that was ahead and is put right puts nothing off", async (t, { handle: { db } }) => {
  await ensureChores(db, ["a"], NOW);
  const ahead = NOW + 86_400_000;
  const [claimed] = await claimChores(db, { ...request, nowMs: ahead });
  await finishChore(db, { lease: claimed!.lease, dueAt: new Date(ahead + 5_000), succeededAt: new Date(ahead) });
  t.equal((await claimChores(db, request)).length, 1, "due although it says tomorrow");
});

await withDatabases(
  t,
  "several processes on one database run a chore once a period",
  async (t, { handle, options }) => {
    const handles =
      options.kind === "postgres" ? [handle, await openDatabase(options), await openDatabase(options)] : [handle];
    let runs = 0;
    let together = 0;
    let nowMs = NOW;
    const errors: unknown[] = [];
    const stops = handles.map(({ db }) =>
      runChores({
        db,
        clock: { nowMs: () => nowMs },
        lookEveryMs: 10,
        onLook: () => undefined,
        onError: (error) => errors.push(error),
        chores: [
          {
            name: "once",
            everyMs: 600,
            run: async () => {
              runs += 1;
              together += 1;
              t.equal(together, 1, "never two at once");
              await sleep(50);
              together -= 1;
            },
          },
        ],
      }),
    );
    for (const period of [1, 2, 3]) {
      const isDue = () => runs < period;
      for (let tries = 0; tries < 1_000 && isDue(); tries++) await sleep(10);
      await sleep(200);
      t.equal(runs, period, "once in each period");
      nowMs += 600;
    }
    await Promise.all(stops.map((stop) => stop()));
    t.strictSame(errors, []);
    for (const other of handles.slice(1)) await other[Symbol.asyncDispose]();
  },
);

await withDatabases(t, "what failed comes again after a pause, and says its code", async (t, { handle: { db } }) => {
  const seen: string[] = [];
  const stop = runChores({
    db,
    clock: { nowMs: () => Date.now() },
    lookEveryMs: 10,
    onLook: () => undefined,
    onError: (_, name) => seen.push(name),
    chores: [{ name: "bad", everyMs: 1, run: async () => Promise.reject(new AppError("audit_broken")) }],
  });
  for (let tries = 0; tries < 1_000 && seen.length === 0; tries++) await sleep(10);
  await sleep(200);
  await stop();
  t.strictSame(seen, ["bad"], "once, then its pause");
  const [chore] = await listChores(db, Date.now());
  t.match(chore, { failures: 1, lastError: "audit_broken", running: false });
  t.ok(Date.parse(chore!.dueAt) - Date.parse(chore!.startedAt!) >= 2_500);
});

await withDatabases(t, "chores of a kind that take long hold up no single one", async (t, { handle: { db } }) => {
  const names = Array.from({ length: 9 }, (_, at) => `slow.${at}`);
  await ensureChores(db, names, NOW - 60_000);
  const slow = new Set<string>();
  let sweeps = 0;
  const stop = runChores({
    db,
    clock: { nowMs: () => Date.now() },
    lookEveryMs: 10,
    onLook: () => undefined,
    onError: (error) => t.error(error),
    chores: [
      { name: "sweep", everyMs: 20, run: async () => void sweeps++ },
      {
        name: "slow",
        everyMs: 1_000,
        find: async () => names,
        run: async (run) => {
          slow.add(run.name);
          await new Promise<void>((resolve) => run.stop.addEventListener("abort", () => resolve(), { once: true }));
        },
      },
    ],
  });
  const isDone = () => sweeps >= 5 && slow.size >= 6;
  for (let tries = 0; tries < 1_000 && !isDone(); tries++) await sleep(10);
  t.ok(sweeps >= 5, "the single one comes again and again");
  t.equal(slow.size, 6, "of the kind as many as have places");
  await stop();
});

t.test("pauses double up to an hour, spread over their upper half", async (t) => {
  t.equal(backoffMs(1, 0.999_99), 5_000);
  t.equal(backoffMs(1, 0), 2_500);
  t.equal(backoffMs(3, 0.999_999), 20_000);
  t.equal(backoffMs(50, 0.999_999_9), 3_600_000);
});

t.test("silence means nothing after a jump of the clock, a standstill or a disturbance", async (t) => {
  let wallMs = NOW;
  let atMs = 0;
  const steadiness = createSteadiness(
    { nowMs: () => wallMs },
    { monotonicMs: () => atMs, settleMs: 6_000, trustMs: 60_000 },
  );
  const pass = (ms: number) => {
    for (let left = ms; left > 0; left -= 500) {
      wallMs += 500;
      atMs += 500;
      steadiness.tick();
    }
  };
  t.equal(steadiness.isSteady(), false, "not at the start");
  pass(6_000);
  t.equal(steadiness.isSteady(), true);
  t.equal(steadiness.isClockTrusted(), false, "what cannot be taken back waits longer");
  pass(60_000);
  t.equal(steadiness.isClockTrusted(), true);
  for (const jumpMs of [3_600_000, -86_400_000]) {
    wallMs += jumpMs;
    steadiness.tick();
    t.equal(steadiness.isSteady(), false, `the clock jumped by ${jumpMs} ms`);
    t.equal(steadiness.isClockTrusted(), false);
    pass(6_000);
    t.equal(steadiness.isSteady(), true);
  }
  wallMs += 20_000;
  atMs += 20_000;
  steadiness.tick();
  t.equal(steadiness.isSteady(), false, "the process stood still");
  pass(6_000);
  steadiness.disturb();
  t.equal(steadiness.isSteady(), false);
});
