import type { DuckDBConnection } from "@duckdb/node-api";
import fc from "fast-check";
import t, { type Test } from "tap";
import type { EgressProfile } from "#contract/profile.ts";
import {
  addStatistics,
  boundCellsSql,
  exactCellsSql,
  magnitudesOf,
  readCells,
  runSplitTests,
  settleCells,
  type AggregateEvidence,
  type CellEvidence,
  type Counting,
} from "#engine/evidence/index.ts";
import { judgeForm, type SafeQuery } from "#engine/gate/index.ts";
import { isClear, isClearPair, isFar, judgeCells, thresholdOf, type Judgement } from "#engine/rules/index.ts";
import { CATALOGUE, createEmpty, createTown, openConnection } from "../gate/town.ts";
import { NOISE_KEY, PROFILE } from "../session/profile.ts";

const QUESTIONS = [
  "SELECT hospital, count(*), sum(cost), avg(cost) FROM visits GROUP BY 1",
  "SELECT hospital, date_trunc('month', day), count(*), sum(cost) FROM visits GROUP BY ALL",
  "SELECT hospital, count(*) FILTER (WHERE day < '2024-03-01'), sum(cost) FILTER (WHERE cost >= 5000) FROM visits GROUP BY 1",
  "SELECT r.district, sum(v.cost - 5000), sum(r.children), avg(r.income) FROM residents r JOIN visits v ON r.person = v.person GROUP BY 1",
  "SELECT sum(cost - 100), avg(CASE WHEN cost < 10 THEN cost ELSE 0 END) FROM visits",
  "SELECT r.district, r.sex, avg(r.income - 50000), sum(r.tax) FROM residents r GROUP BY 1, 2",
  "SELECT r.district, avg(u.t - 5000), count(*) FILTER (WHERE u.n > 2), sum(r.tax) FROM residents r JOIN (SELECT person, sum(cost) AS t, count(*) AS n FROM visits WHERE day < '2024-11-01' GROUP BY 1) u USING (person) GROUP BY 1",
  "SELECT r.sex, count(*), sum(v.cost), count(v.cost) FROM residents r LEFT JOIN visits v ON v.person = r.person AND v.cost > 9000 GROUP BY 1",
  "SELECT district, count(*), avg(income) FROM residents r WHERE NOT EXISTS (FROM visits v WHERE v.person = r.person AND v.cost > 9000 AND (hospital = 'H1' OR hospital = 'H2')) GROUP BY 1",
  "SELECT place, count(*), avg(x) FROM (SELECT hospital AS place, cost AS x FROM visits WHERE cost < 8000 UNION ALL SELECT district, tax FROM residents) GROUP BY 1",
  "SELECT r.district, corr(v.cost, r.income), covar_pop(v.cost, r.children) FROM residents r JOIN visits v ON r.person = v.person GROUP BY 1",
  "SELECT hospital, median(cost), quantile_disc(cost, 0.05), count(DISTINCT month(day)) FROM visits GROUP BY 1",
  "SELECT hospital, quantile_cont(cost, 0.9) FILTER (WHERE cost >= 5000) FROM visits GROUP BY 1",
  "SELECT r.sex, regr_slope(v.cost, r.income) FILTER (WHERE v.day < '2024-03-01'), median(r.tax) FROM residents r JOIN visits v ON r.person = v.person GROUP BY 1",
];

const connection = await openConnection((own) => createTown(own, 3000));
const planning = await openConnection(createEmpty);
t.teardown(() => [connection, planning].forEach((one) => one.closeSync()));

/** Of few subjects a cell. */
const SPARSE = [
  "SELECT day, hospital, count(*), sum(cost), avg(cost - 5000) FROM visits GROUP BY ALL",
  "SELECT day, count(*) FILTER (WHERE cost < 5000), sum(cost) FILTER (WHERE hospital = 'H1') FROM visits GROUP BY 1",
];

async function leavesOf(statements: readonly string[]): Promise<SafeQuery[]> {
  const found: SafeQuery[] = [];
  for (const sql of statements) {
    const form = await judgeForm(planning, { sql, parameters: {}, visibility: "aggregates", catalogue: CATALOGUE });
    if (form.form === "safe") found.push(...form.statement.leaves);
  }
  return found;
}
const queries = await leavesOf(QUESTIONS);
const sparse = await leavesOf(SPARSE);

const cellsOf = (query: SafeQuery, counting: Counting, enough: number): string =>
  counting === "bounded" ? boundCellsSql(query, { least: enough, most: enough }) : exactCellsSql(query);

async function judged(query: SafeQuery, profile: EgressProfile, counting: Counting): Promise<Judgement> {
  const enough = profile.minSubjects.value;
  const table = "temp.main.cells";
  await connection.run(`CREATE OR REPLACE TEMP TABLE cells AS ${cellsOf(query, counting, enough)}`);
  const magnitudes = magnitudesOf(query);
  const cells = await readCells(connection, query, table);
  await settleCells(connection, { query, cells, table, enough, isClear: (cell) => isClear(cell, profile, magnitudes) });
  await addStatistics(connection, {
    query,
    cells,
    table,
    enough,
    counting,
    isClearPair: (pair) => isClearPair(pair, profile),
    isClearQuantile: (one) => isFar(one, profile),
  });
  const splits = await runSplitTests(connection, query, enough);
  const isEnough = thresholdOf(profile, NOISE_KEY);
  const evidence = { classes: query.subjects.length, cells, splits, groups: [] };
  return judgeCells({ query, evidence, profile, isEnough, magnitudes, maxGrade: "L1" });
}

t.test("bounds decide every statement as exact numbers do, whatever the profile asks", async (t) => {
  t.equal(queries.length, QUESTIONS.length);
  const numbers = fc.record({
    k: fc.constantFrom(1, 3, 10, 30, 200, 500),
    p: fc.constantFrom(0, 10, 60),
    one: fc.constantFrom(0.01, 0.1, 0.5),
    two: fc.constantFrom(0.02, 0.2, 0.9),
    question: fc.nat(QUESTIONS.length - 1),
  });
  await fc.assert(
    fc.asyncProperty(numbers, async ({ k, p, one, two, question }) => {
      const basis = "test";
      const profile: EgressProfile = {
        ...PROFILE,
        minSubjects: { value: k, basis },
        pPercent: { value: p, basis },
        dominanceOneReview: { value: one, basis },
        dominanceTwo: { value: two, basis },
        concentrationReview: { value: one / 2, basis },
      };
      const query = queries[question]!;
      const exact = await judged(query, profile, "exact");
      const bounded = await judged(query, profile, "bounded");
      t.same(bounded, exact, QUESTIONS[question]!);
    }),
    { numRuns: 60 },
  );
});

t.test("values are the same however subjects are counted", async (t) => {
  for (const query of queries) {
    const values = async (counting: Counting): Promise<unknown> => {
      await judged(query, PROFILE, counting);
      const columns = [...query.keys.map((_, i) => `k${i}`), ...query.aggregates.map((_, i) => `a${i}`)];
      return (await connection.runAndReadAll(`SELECT ${columns.join(", ")} FROM cells ORDER BY cell`)).getRowsJson();
    };
    t.same(await values("bounded"), await values("exact"));
  }
});

async function evidenceOf(own: DuckDBConnection, query: SafeQuery, counting: Counting): Promise<CellEvidence[]> {
  await own.run(`CREATE OR REPLACE TEMP TABLE cells AS ${cellsOf(query, counting, 10)}`);
  return readCells(own, query, "temp.main.cells");
}

const isAtMost = (low: number, high: number): boolean => low <= high * (1 + 1e-9);

function checkAggregate(t: Test, bound: AggregateEvidence, exact: AggregateEvidence): void {
  t.ok(isAtMost(bound.nonNull, exact.nonNull), "contributors");
  t.ok(isAtMost(bound.nonNeutral, exact.nonNeutral), "contributors of something");
  t.ok(isAtMost(bound.total!, exact.total!), "total");
  t.ok(isAtMost(exact.largest![0], bound.largest![0]), "largest");
  t.ok(isAtMost(exact.largest![1], bound.largest![1]), "second largest");
}

function checkRegions(t: Test, bound: CellEvidence, exact: CellEvidence): void {
  for (const [c, regions] of bound.regions.entries()) {
    const counted = new Map(exact.regions[c]!.map((region) => [region.filters, region.subjects]));
    t.ok(regions.every((region) => region.subjects <= counted.get(region.filters)!));
    if (!bound.atLeast) t.same(regions, exact.regions[c]);
  }
}

function checkCell(t: Test, bound: CellEvidence, exact: CellEvidence): void {
  t.equal(bound.rows, exact.rows);
  t.ok(bound.subjects.every((subjects, c) => subjects <= exact.subjects[c]!));
  if (bound.counted) t.same(bound.subjects, exact.subjects);
  const pairs = bound.aggregates.flatMap((classes, i) =>
    classes.map((one, c) => [one, exact.aggregates[i]![c]!] as const),
  );
  for (const [one, own] of pairs) {
    checkAggregate(t, one, own);
    if (!bound.atLeast) checkAggregate(t, own, one);
  }
  checkRegions(t, bound, exact);
}

t.test("no bound is beyond the exact number, and a cell that is called complete is", async (t) => {
  let complete = 0;
  for (const query of [...queries, ...sparse]) {
    const exact = await evidenceOf(connection, query, "exact");
    const bounds = await evidenceOf(connection, query, "bounded");
    t.equal(bounds.length, exact.length);
    for (const [i, bound] of bounds.entries()) checkCell(t, bound, exact[i]!);
    complete += bounds.filter((bound) => !bound.atLeast).length;
  }
  t.ok(complete > 100, `${complete} cells are complete`);
});

t.test("evidence and values are the same for any number of threads and any order of rows", async (t) => {
  const seen = async (own: DuckDBConnection): Promise<unknown[]> => {
    const all: unknown[] = [];
    for (const query of queries) {
      all.push(await evidenceOf(own, query, "bounded"));
      all.push((await own.runAndReadAll("SELECT * FROM cells ORDER BY cell")).getRowsJson());
    }
    return all;
  };
  const first = await seen(connection);
  for (const threads of [1, 2, 4]) {
    const own = await openConnection((one) => createTown(one, 3000));
    t.teardown(() => own.closeSync());
    await own.run(`SET threads = ${threads}`);
    for (const table of ["visits", "residents"]) {
      await own.run(`CREATE TABLE shuffled AS FROM ${table} ORDER BY hash(person, ${threads}, rowid)`);
      await own.run(`DROP TABLE ${table}; ALTER TABLE shuffled RENAME TO ${table}`);
    }
    t.same(await seen(own), first, `${threads} threads`);
  }
});
