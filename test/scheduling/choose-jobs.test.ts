import fc from "fast-check";
import t from "tap";
import type { JobClass } from "#contract/job.ts";
import {
  AFFINITY_MS,
  BATCH_PATIENCE_MS,
  batchPlacesOf,
  chooseJobs,
  type FreePlace,
  MOST_CREDIT_MS,
  type OrganisationLoad,
  type WaitingJob,
} from "../../src/scheduling/choose-jobs.ts";
import { jainIndex } from "../../benchmarks/load/report.ts";
import { simulate } from "./simulation.ts";

const NOW = 1_000_000;
let made = 0;

function job(organisation: string, change: Partial<WaitingJob> = {}): WaitingJob {
  const id = `job_${String((made += 1)).padStart(6, "0")}`;
  return { id, organisation, scenario: organisation, class: "interactive", submittedAtMs: NOW, ...change };
}

function load(organisation: string, change: Partial<OrganisationLoad> = {}): OrganisationLoad {
  return { organisation, weight: 1, recentMs: 0, usedAtMs: NOW, running: 0, runningMs: 0, ...change };
}

function place(change: Partial<FreePlace> = {}): FreePlace {
  return {
    nowMs: NOW,
    mostHadMs: 0,
    places: 1,
    batchPlaces: 1,
    freeMemoryBytes: 100,
    memoryBytes: { interactive: 1, batch: 2 },
    warm: new Set(),
    warmElsewhere: new Set(),
    ...change,
  };
}

const titles = (jobs: readonly WaitingJob[]) => jobs.map(({ organisation }) => organisation);

t.test("whoever has had the least for its weight is next, however early the others came", async (t) => {
  const waiting = [job("a", { submittedAtMs: 1 }), job("a", { submittedAtMs: 2 }), job("b")];
  t.strictSame(titles(chooseJobs(waiting, [load("a", { running: 1, runningMs: 1000 }), load("b")], place()).jobs), [
    "b",
  ]);
  t.strictSame(titles(chooseJobs(waiting, [load("a", { recentMs: 500 }), load("b")], place()).jobs), ["b"]);
  const weighted = [load("a", { weight: 3, recentMs: 600 }), load("b", { recentMs: 300 })];
  t.strictSame(
    titles(chooseJobs(waiting, weighted, place()).jobs),
    ["a"],
    "600 for a weight of 3 is less than 300 for 1",
  );
});

t.test("several places of one claim are shared out as one after the other would be", async (t) => {
  const waiting = [job("a"), job("a"), job("a"), job("b"), job("b"), job("c")];
  t.strictSame(titles(chooseJobs(waiting, [], place({ places: 4 })).jobs), ["a", "b", "c", "a"]);
});

const nine = (organisation: string) => Array.from({ length: 9 }, () => job(organisation));

t.test("one that comes after a pause starts beside the others, not with all that it left unused", async (t) => {
  const loads = [
    load("busy", { recentMs: 60_000, running: 1, runningMs: 1000 }),
    load("back", { usedAtMs: NOW - 1 }),
    load("new", { weight: 2, usedAtMs: undefined }),
  ];
  const { jobs, lifts } = chooseJobs([...nine("back"), ...nine("busy"), ...nine("new")], loads, place({ places: 6 }));
  t.strictSame(titles(jobs).slice(0, 2).toSorted(), ["back", "new"], "the next question is theirs");
  t.ok(titles(jobs).includes("busy"), titles(jobs).join());
  const level = 60_000 - MOST_CREDIT_MS;
  const expected = [
    { organisation: "back", leastMs: level },
    { organisation: "new", leastMs: level * 2 },
  ];
  t.strictSame(lifts, expected, "and they count as having had what those had");
});

t.test("nobody pays for what it used while no other wanted it", async (t) => {
  const loads = [
    load("alone", { recentMs: 9000, usedAtMs: NOW - 10 }),
    load("other", { recentMs: 10, usedAtMs: NOW - 10 }),
  ];
  const { jobs } = chooseJobs([...nine("alone"), ...nine("other")], loads, place({ places: 4 }));
  t.strictSame(titles(jobs), ["other", "alone", "other", "alone"]);
});

t.test("who waits all the time is not lifted: what it has not had is still to come", async (t) => {
  const loads = [load("more", { recentMs: 9000, running: 1, runningMs: 1000 }), load("less", { recentMs: 10 })];
  const waiting = [job("less", { submittedAtMs: NOW - 5 }), ...nine("less"), ...nine("more")];
  const { jobs, lifts } = chooseJobs(waiting, loads, place({ places: 5 }));
  t.strictSame(
    titles(jobs),
    Array.from({ length: 5 }, () => "less"),
  );
  t.strictSame(lifts, []);
});

t.test("what has only started does not lift all others to one height", async (t) => {
  const loads = [load("runs", { recentMs: 1000, running: 1, runningMs: 1000 }), load("more", { recentMs: 1400 })];
  const waiting = [job("runs"), job("more", { submittedAtMs: 1 }), job("less", { submittedAtMs: 2 })];
  const { jobs } = chooseJobs(waiting, [...loads, load("less", { recentMs: 1100 })], place({ places: 2 }));
  t.strictSame(titles(jobs), ["less", "more"], "by what each has had, not by age");
});

t.test("interactive goes before batch, unless the batch job has waited for long", async (t) => {
  const batch = job("a", { class: "batch", submittedAtMs: NOW - 1000 });
  const interactive = job("a");
  t.strictSame(chooseJobs([batch, interactive], [], place()).jobs, [interactive]);
  const overdue = { ...batch, submittedAtMs: NOW - BATCH_PATIENCE_MS };
  t.strictSame(chooseJobs([overdue, interactive], [], place()).jobs, [overdue]);
});

t.test("batch never takes the last place that is kept for interactive jobs", async (t) => {
  for (const [places, expected] of [
    [1, 1],
    [2, 1],
    [3, 2],
    [8, 7],
  ] as const) {
    t.equal(batchPlacesOf(places), expected);
  }
  const waiting = [job("a", { class: "batch" }), job("b", { class: "batch" })];
  t.equal(chooseJobs(waiting, [], place({ places: 2, batchPlaces: 1 })).jobs.length, 1);
  t.equal(chooseJobs(waiting, [], place({ batchPlaces: 0 })).jobs.length, 0);
  const late = job("c", { submittedAtMs: NOW + 1 });
  t.strictSame(chooseJobs([...waiting, late], [], place({ batchPlaces: 0 })).jobs, [late]);
});

t.test("a job goes only where its memory is free", async (t) => {
  const waiting = [job("a", { class: "batch" }), job("b", { submittedAtMs: NOW + 1 })];
  t.strictSame(titles(chooseJobs(waiting, [], place({ freeMemoryBytes: 1 })).jobs), ["b"]);
  t.strictSame(chooseJobs(waiting, [], place({ freeMemoryBytes: 0 })).jobs, []);
  const three = Array.from({ length: 3 }, () => job("a"));
  t.equal(chooseJobs(three, [], place({ places: 3, freeMemoryBytes: 2 })).jobs.length, 2);
});

t.test("a warm engine is preferred for a moment and never for longer", async (t) => {
  const cold = job("a", { scenario: "cold", submittedAtMs: NOW - 10 });
  const warm = job("a", { scenario: "warm", submittedAtMs: NOW - 5 });
  const here = place({ warm: new Set(["warm"]) });
  t.strictSame(chooseJobs([cold, warm], [], here).jobs, [warm]);
  t.strictSame(chooseJobs([{ ...cold, submittedAtMs: NOW - AFFINITY_MS }, warm], [], here).jobs[0]?.scenario, "cold");
  const elsewhere = place({ warmElsewhere: new Set(["cold"]) });
  t.strictSame(chooseJobs([cold], [], elsewhere), { jobs: [], againInMs: AFFINITY_MS - 10, lifts: [] });
  t.strictSame(chooseJobs([{ ...cold, submittedAtMs: NOW - AFFINITY_MS }], [], elsewhere).jobs.length, 1);
});

/** Each wants more than all the places. */
const organisations = (batchEvery: fc.Arbitrary<number>) =>
  fc.array(
    fc.record({
      weight: fc.integer({ min: 1, max: 4 }),
      clients: fc.integer({ min: 5, max: 30 }),
      costMs: fc.integer({ min: 50, max: 500 }),
      batchEvery,
    }),
    { minLength: 2, maxLength: 8 },
  );
const NO_BATCH = fc.constant(Number.MAX_SAFE_INTEGER);
const SOME_BATCH = fc.integer({ min: 2, max: 9 });

t.test(
  "law: with work for all, processor time follows the weights, whatever the jobs cost and however many come",
  async (t) => {
    fc.assert(
      fc.property(organisations(NO_BATCH), fc.integer({ min: 1, max: 4 }), (all, places) => {
        const { organisations: served } = simulate(all, { places, untilMs: 120_000 });
        const shares = served.map(({ cpuMs }, index) => cpuMs / all[index]!.weight);
        return jainIndex(shares) >= 0.95;
      }),
      { numRuns: 25 },
    );
    t.pass("Jain's index of the weighted shares is at least 0.95");
  },
);

t.test("law: those that worked before, those that are new and those that come later are served alike", async (t) => {
  const organisation = fc.record({
    weight: fc.integer({ min: 1, max: 2 }),
    clients: fc.integer({ min: 5, max: 10 }),
    costMs: fc.constantFrom(50, 60, 300),
    batchEvery: NO_BATCH,
    hadMs: fc.constantFrom(0, 0, 5_000, 5_100, 60_000),
    fromMs: fc.constantFrom(0, 0, 7_000, 10_000),
  });
  fc.assert(
    fc.property(
      fc.array(organisation, { minLength: 2, maxLength: 12 }),
      fc.integer({ min: 1, max: 4 }),
      (all, places) => {
        const { organisations: served } = simulate(all, { places, untilMs: 10_000 + all.length * 6_000 });
        return jainIndex(served.map(({ cpuMs }, index) => cpuMs / all[index]!.weight)) >= 0.95;
      },
    ),
    { numRuns: 100 },
  );
  t.pass("Jain's index is at least 0.95");
});

t.test("law: no job waits for ever, and interactive ones are not held up by batch", async (t) => {
  fc.assert(
    fc.property(organisations(SOME_BATCH), fc.integer({ min: 2, max: 4 }), (all, places) => {
      const { longestWaitMs, mostBatch } = simulate(all, { places, untilMs: 120_000 });
      const classes: JobClass[] = ["interactive", "batch"];
      // all clients of the heaviest mix once through, and the patience after which batch goes first
      const roundMs = all.reduce((sum, { clients, costMs }) => sum + clients * costMs * 10, 0) * 8;
      return (
        mostBatch <= batchPlacesOf(places) &&
        classes.every((name) => longestWaitMs[name] <= BATCH_PATIENCE_MS + roundMs)
      );
    }),
    { numRuns: 25 },
  );
  t.pass("every wait is bounded");
});
