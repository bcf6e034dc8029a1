import fc from "fast-check";
import t from "tap";
import { ask, openTown, rowsOf } from "../engine/session/town-session.ts";

/** Six people live in Islet: fewer than k. Whatever their values are, a developer must see the same. */
const QUESTIONS = [
  "SELECT district, count(*) AS n, sum(income) AS s, avg(tax) AS m FROM residents GROUP BY district",
  "SELECT district, avg(income) AS m FROM residents GROUP BY 1 HAVING avg(income) > 10000 ORDER BY m DESC LIMIT 3",
  "SELECT district, sum(children) * 1.0 / count(*) AS r, coalesce(sum(income), 0) AS c FROM residents GROUP BY 1 ORDER BY 2",
  "SELECT district, count(*) FILTER (WHERE active) AS a, sum(CASE WHEN sex = 'f' THEN income ELSE 0 END) AS f FROM residents GROUP BY 1",
  "SELECT district, sum(income), rank() OVER (ORDER BY sum(income)), sum(tax) / sum(sum(tax)) OVER () FROM residents GROUP BY 1",
  "WITH d AS (SELECT district, avg(income) AS m FROM residents GROUP BY 1) SELECT district, m FROM d WHERE m > (SELECT avg(m) FROM d) UNION ALL SELECT sex, avg(tax) FROM residents WHERE district = 'North' GROUP BY 1 ORDER BY 2 LIMIT 4",
  "SELECT district, median(income) AS m, quantile_cont(tax, [0.25, 0.75]) AS q FROM residents GROUP BY 1 ORDER BY m",
  "SELECT district, corr(tax, income), regr_slope(tax, children), regr_avgx(tax, income), count(DISTINCT sex) FROM residents GROUP BY 1",
  "SELECT r.district, median(v.cost) FROM residents r JOIN visits v ON r.person = v.person GROUP BY 1 HAVING median(v.cost) > 10",
  "SELECT r.district, sum(v.cost) FROM residents r JOIN visits v ON r.person = v.person GROUP BY 1",
  "SELECT r.district, avg(u.t), sum(u.n), count(*) FROM residents r JOIN (SELECT person, sum(cost) AS t, count(*) AS n FROM visits GROUP BY 1) u USING (person) GROUP BY 1",
  "SELECT district, avg(m), stddev(m) FROM (SELECT person, district, max(income) AS m FROM residents GROUP BY ALL) GROUP BY 1",
  "SELECT r.district, count(*), sum(income) FROM residents r WHERE EXISTS (FROM visits v WHERE v.person = r.person AND v.hospital <> 'H3') GROUP BY 1",
  "SELECT district, sum(income) FROM residents WHERE person NOT IN (SELECT person FROM visits WHERE hospital = 'H3') GROUP BY 1",
  "SELECT r.district, sum(v.cost), count(v.cost), count(*), avg(r.tax) FROM residents r LEFT JOIN visits v ON v.person = r.person AND v.hospital <> 'H3' GROUP BY 1",
  "SELECT district, sum(x) FROM (SELECT r.district, v.cost AS x FROM visits v JOIN residents r ON r.person = v.person UNION ALL SELECT district, tax FROM residents) GROUP BY 1",
];

const visible = async (sql: string, change: string | undefined): Promise<string> => {
  await using town = await openTown({ people: 400, ...(change === undefined ? {} : { change }) });
  const { answer, parts } = await town.query(ask(sql));
  const { output, findings, label } = answer;
  return JSON.stringify({
    output,
    findings,
    label,
    rows: parts[2]!.byteLength === 0 ? [] : rowsOf(parts),
    bytes: Buffer.from(parts[1]!).toString("base64"),
  });
};

t.test("the values of suppressed subjects change nothing that a developer sees", { timeout: 100_000 }, async (t) => {
  const value = fc.record({
    income: fc.oneof(fc.double({ noNaN: false }), fc.constantFrom(0, 1e12, -5)),
    children: fc.integer({ min: -3, max: 2_000_000_000 }),
    tax: fc.integer({ min: -99_999, max: 99_999_999 }),
  });
  const before = await Promise.all(QUESTIONS.map((sql) => visible(sql, undefined)));
  await fc.assert(
    fc.asyncProperty(value, fc.nat(QUESTIONS.length - 1), async ({ income, children, tax }, question) => {
      const double = Number.isFinite(income) ? `${income}::DOUBLE` : `'${String(income)}'::DOUBLE`;
      const change = `UPDATE residents SET income = ${double}, children = ${children}, tax = ${tax} WHERE district = 'Islet';
        UPDATE visits SET cost = ${tax / 100} WHERE person <= 6`;
      return (await visible(QUESTIONS[question]!, change)) === before[question];
    }),
    { numRuns: 45 },
  );
  t.pass("45 changes, nothing seen");
});

/** Where a total is shown it contains everybody: what hidden people have more, others of hidden cells must have less. */
const WITH_TOTALS = [
  "SELECT district, sum(income), avg(income), count(*) FROM residents GROUP BY ROLLUP (district)",
  "SELECT district, sex, count(*), avg(income) FROM residents GROUP BY CUBE (district, sex)",
  "SELECT district, sum(income) FROM residents GROUP BY 1 UNION ALL SELECT NULL, avg(income) FROM residents",
];

t.test("as long as the shown totals stay, hidden values change nothing either", { timeout: 100_000 }, async (t) => {
  const whole = "UPDATE residents SET income = round(income); UPDATE residents SET sex = 'f' WHERE district = 'Islet'";
  const before = await Promise.all(WITH_TOTALS.map((sql) => visible(sql, whole)));
  const shift = fc.record({
    amount: fc.integer({ min: -19_000, max: 40_000 }),
    people: fc.integer({ min: 0, max: 5 }),
  });
  await fc.assert(
    fc.asyncProperty(shift, fc.nat(WITH_TOTALS.length - 1), async ({ amount, people }, question) => {
      // East goes with Islet, and it has women enough to give some income, and people.
      const change = `${whole};
        UPDATE residents SET income = income + ${amount} WHERE person = 6;
        UPDATE residents SET income = income - ${amount} WHERE person = (SELECT max(person) FROM residents WHERE district = 'East' AND sex = 'f' AND income > 50000);
        UPDATE residents SET district = 'East' WHERE person <= ${people}`;
      return (await visible(WITH_TOTALS[question]!, change)) === before[question];
    }),
    { numRuns: 15 },
  );
  t.pass("15 changes, nothing seen");
});
