import fc from "fast-check";
import t from "tap";
import type { EgressProfile } from "#contract/profile.ts";
import {
  addStatistics,
  cellsSql,
  isMagnitude,
  readCells,
  runSplitTests,
  settleCells,
  type Counting,
} from "#engine/evidence/index.ts";
import { judgeForm, type SafeQuery } from "#engine/gate/index.ts";
import { isClear, isClearPair, isFar, judgeCells, type Judgement } from "#engine/rules/index.ts";
import { CATALOGUE, createEmpty, createTown, openConnection } from "../gate/town.ts";
import { PROFILE } from "../session/profile.ts";

const QUESTIONS = [
  "SELECT hospital, count(*), sum(cost), avg(cost) FROM visits GROUP BY 1",
  "SELECT hospital, date_trunc('month', day), count(*), sum(cost) FROM visits GROUP BY ALL",
  "SELECT hospital, count(*) FILTER (WHERE day < '2024-03-01'), sum(cost) FILTER (WHERE cost >= 5000) FROM visits GROUP BY 1",
  "SELECT r.district, sum(v.cost - 5000), sum(r.children), avg(r.income) FROM residents r JOIN visits v ON r.person = v.person GROUP BY 1",
  "SELECT sum(cost - 100), avg(CASE WHEN cost < 10 THEN cost ELSE 0 END) FROM visits",
  "SELECT r.district, r.sex, avg(r.income - 50000), sum(r.tax) FROM residents r GROUP BY 1, 2",
  "SELECT r.district, corr(v.cost, r.income), covar_pop(v.cost, r.children) FROM residents r JOIN visits v ON r.person = v.person GROUP BY 1",
  "SELECT hospital, median(cost), quantile_disc(cost, 0.05), count(DISTINCT month(day)) FROM visits GROUP BY 1",
  "SELECT hospital, quantile_cont(cost, 0.9) FILTER (WHERE cost >= 5000) FROM visits GROUP BY 1",
  "SELECT r.sex, regr_slope(v.cost, r.income) FILTER (WHERE v.day < '2024-03-01'), median(r.tax) FROM residents r JOIN visits v ON r.person = v.person GROUP BY 1",
];

const connection = await openConnection((own) => createTown(own, 3000));
const planning = await openConnection(createEmpty);
t.teardown(() => [connection, planning].forEach((one) => one.closeSync()));

const queries: SafeQuery[] = [];
for (const sql of QUESTIONS) {
  const form = await judgeForm(planning, { sql, parameters: {}, visibility: "aggregates", catalogue: CATALOGUE });
  if (form.form === "safe") queries.push(...form.statement.leaves);
}

async function judged(query: SafeQuery, profile: EgressProfile, counting: Counting): Promise<Judgement> {
  const enough = profile.minSubjects.value;
  const table = "temp.main.cells";
  await connection.run(`CREATE OR REPLACE TEMP TABLE cells AS ${cellsSql(query, counting)}`);
  const magnitudes = new Set(query.aggregates.flatMap((_, i) => (isMagnitude(query, i) ? [i] : [])));
  const cells = await readCells(connection, query, { table, atLeast: counting.kind !== "exact" });
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
  const evidence = { classes: query.subjects.length, cells, splits };
  return judgeCells({ query, evidence, profile, magnitudes, maxGrade: "L1" });
}

t.test("bounds decide every statement as exact numbers do, whatever the profile asks", async (t) => {
  t.equal(queries.length, QUESTIONS.length);
  const numbers = fc.record({
    k: fc.constantFrom(1, 3, 10, 30, 200, 500),
    p: fc.constantFrom(0, 10, 60),
    one: fc.constantFrom(0.01, 0.1, 0.5),
    two: fc.constantFrom(0.02, 0.2, 0.9),
    sample: fc.constantFrom(1, 4, 64),
    question: fc.nat(QUESTIONS.length - 1),
  });
  await fc.assert(
    fc.asyncProperty(numbers, async ({ k, p, one, two, sample, question }) => {
      const basis = "test";
      const profile: EgressProfile = {
        ...PROFILE,
        minSubjects: { value: k, basis },
        pPercent: { value: p, basis },
        dominanceOneReview: { value: one, basis },
        dominanceTwo: { value: two, basis },
      };
      const query = queries[question]!;
      const exact = await judged(query, profile, { kind: "exact" });
      const bounded = await judged(query, profile, { kind: "bounded", sample });
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
    t.same(await values({ kind: "bounded", sample: 4 }), await values({ kind: "exact" }));
  }
});
