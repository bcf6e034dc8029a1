import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import t from "tap";
import type { EgressProfile } from "#contract/profile.ts";
import { loadPolicyBundle } from "#policy/index.ts";
import { countSql, digitsSql } from "../../src/engine/evidence/rounding-sql.ts";
import { PROFILE } from "../engine/session/profile.ts";
import { ask, openTown, rowsOf } from "../engine/session/town-session.ts";

const basis = "test";
const of = (value: number) => ({ value, basis });
const ROUNDING: EgressProfile = {
  ...PROFILE,
  rounding: { counts: of(5), sumDigits: of(3), meanDigits: of(3) },
};

async function answers(sql: string, profile = ROUNDING, change?: string) {
  await using town = await openTown(change === undefined ? {} : { change });
  const { answer, parts } = await town.query(ask(sql, profile));
  return { ...answer, rows: rowsOf(parts), head: JSON.parse(Buffer.from(parts[2]!).toString()) as { notes: unknown } };
}

const digits = (value: unknown): number =>
  String(value).replace(/e.*$/, "").replace(/[-.]/g, "").replace(/^0+/, "").replace(/0+$/, "").length;

t.test("counts are multiples of the base; sums, means and deviations have few digits; the note says so", async (t) => {
  const sql = `SELECT district, count(*) AS n, count(DISTINCT person) AS p, count(income) AS c, sum(income) AS s, avg(income) AS m,
    stddev_samp(income) AS d FROM residents GROUP BY district`;
  const exact = await answers(sql, PROFILE);
  const { rows, facts, findings, head } = await answers(sql);
  t.equal(rows.length, exact.rows.length);
  for (const [i, row] of rows.entries()) {
    for (const column of [1, 2, 3]) {
      if (row[column] === null) continue;
      t.equal(Number(row[column]) % 5, 0, `${String(row[0])} ${column}`);
      t.ok(Math.abs(Number(row[column]) - Number(exact.rows[i]![column])) <= 2);
    }
    for (const column of [4, 5, 6]) {
      if (row[column] === null) continue;
      t.ok(digits(row[column]) <= 3, `column ${column} of row ${i}`);
      const [shown, true_] = [Number(row[column]), Number(exact.rows[i]![column])];
      t.ok(Math.abs(shown - true_) <= 0.005 * true_ + 1e-9);
    }
  }
  t.same(facts.transformedBy, ["R16"]);
  t.match(findings, [{ rule: "R1" }, { rule: "R16", effect: "transform", code: "values_rounded" }]);
  t.match(head.notes, [{ rule: "R1" }, { rule: "R16", message: /rounded/ }]);
});

t.test("a profile that does not round says nothing and changes nothing", async (t) => {
  const { facts, findings } = await answers("SELECT district, count(*) FROM residents GROUP BY 1", PROFILE);
  t.notOk(Object.hasOwn(facts, "transformedBy"));
  t.notOk(findings.some(({ rule }) => rule === "R16"));
});

t.test("what is computed stays exact for quarantine; only what leaves is rounded", async (t) => {
  await using town = await openTown();
  const { parts } = await town.query(ask("SELECT count(*) FROM visits WHERE cost > 100", ROUNDING));
  t.same(
    rowsOf([parts[0]!, new Uint8Array(0)]),
    (await answers("SELECT count(*) FROM visits WHERE cost > 100", PROFILE)).rows,
  );
  t.equal(Number(rowsOf(parts)[0]![0]) % 5, 0);
});

t.test("HAVING, ORDER BY, expressions and steps over cells see rounded numbers only", async (t) => {
  const exact = await answers("SELECT district, count(*) AS n FROM residents GROUP BY 1 ORDER BY 1", PROFILE);
  const odd = exact.rows.find(([, n]) => n !== null && Number(n) % 5 !== 0)!;
  const having = await answers(`SELECT district FROM residents GROUP BY 1 HAVING count(*) = ${String(odd[1])}`);
  t.same(having.rows, [], "no condition can ask for the number behind");
  const rest = await answers(
    `SELECT district, count(*) % 5 AS r FROM residents GROUP BY 1 HAVING count(*) IS NOT NULL`,
  );
  t.ok(rest.rows.length >= 5);
  t.ok(rest.rows.every(([, r]) => Number(r) === 0));
  const total = await answers(
    "WITH d AS (SELECT district, count(*) AS n FROM residents GROUP BY 1) SELECT sum(n) % 5 FROM d",
  );
  t.same(
    total.rows.map(([r]) => Number(r)),
    [0],
  );
});

t.test("a count in disguise is rounded as a count", async (t) => {
  const sql = `SELECT sum(7) AS a, sum(1000) AS b, sum(0.5) AS c, sum(CASE WHEN active THEN 1 ELSE 0 END) AS d,
    avg(CASE WHEN active THEN 1.0 ELSE 0 END) AS e, count(*) FILTER (WHERE active) AS f, count(*) AS n, sum(-3) AS g, avg(2.5) AS h FROM visits, residents
    WHERE visits.person = residents.person AND district = 'North'`;
  const { rows } = await answers(sql);
  const [a, b, c, d, e, f, n, g, h] = rows[0]!.map(Number);
  t.equal(n! % 5, 0);
  t.same([a, b, c, g], [7 * n!, 1000 * n!, n! / 2, -3 * n!]);
  t.equal(d, f);
  t.equal(f! % 5, 0);
  t.equal(e, Number((f! / n!).toPrecision(3)), "a share is the share of the rounded counts");
  t.equal(h, 2.5);
});

t.test("an offset does not count the rows of a sum", async (t) => {
  const sql = `SELECT count(*) AS n, sum(0 * income + 1) AS a, sum(income * 0.000001 + 100) AS b, sum(1 - 0 * children) AS c
    FROM residents WHERE district = 'North' AND active`;
  const exact = await answers(sql, PROFILE);
  t.not(Number(exact.rows[0]![0]) % 5, 0);
  const [n, a, b, c] = (await answers(sql)).rows[0]!.map(Number);
  t.same([a, b, c], [n, Number((100 * n!).toPrecision(3)), n]);
});

t.test("rounding never shows what is hidden, and says so whether or not a number changed", async (t) => {
  const sql = "SELECT district, count(*) AS n, sum(income) AS s FROM residents GROUP BY 1";
  const exact = await answers(sql, PROFILE);
  const rounded = await answers(sql);
  const hidden = (rows: unknown[][]): boolean[][] => rows.map((row) => row.map((value) => value === null));
  t.same(hidden(rounded.rows), hidden(exact.rows));
  t.ok(hidden(exact.rows).flat().includes(true));
  const even = await answers("SELECT count(*) FROM residents", ROUNDING);
  t.same([even.rows, even.facts.transformedBy], [[["2000"]], ["R16"]]);
});

t.test("public tables are not rounded", async (t) => {
  const { rows, facts } = await answers("SELECT count(*) FROM districts");
  t.same([rows, facts.transformedBy], [[["6"]], undefined]);
});

t.test("equal cells show equal numbers, in whatever table they stand", async (t) => {
  const change = "DELETE FROM residents WHERE district = 'Islet'";
  const numbers = "count(*), sum(income)";
  const alone = await answers(`SELECT ${numbers} FROM residents WHERE district = 'North'`, ROUNDING, change);
  const among = await answers(`SELECT district, ${numbers} FROM residents GROUP BY 1`, ROUNDING, change);
  t.same(among.rows.find(([district]) => district === "North")!.slice(1), alone.rows[0]);
  const whole = await answers(`SELECT ${numbers} FROM residents`, ROUNDING, change);
  const rolled = await answers(
    `SELECT sex, district, ${numbers} FROM residents GROUP BY ROLLUP (sex, district)`,
    ROUNDING,
    change,
  );
  t.same(rolled.rows.find(([sex, district]) => sex === null && district === null)!.slice(2), whole.rows[0]);
  const parts = among.rows.reduce((sum, [, n]) => sum + Number(n), 0);
  t.not(parts, Number(whole.rows[0]![0]), "so parts need not add up");
});

t.test("the profile for the public rounds, the others do not", async (t) => {
  const { profiles } = loadPolicyBundle("policies");
  const rounds = [...profiles.values()].filter(({ rounding }) => rounding).map(({ id }) => id);
  t.same(rounds, ["public"]);
});

t.test("rounding is idempotent, deterministic and keeps the order", async (t) => {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const valuesOf = async (expressions: string[]): Promise<unknown[]> =>
    (await connection.runAndReadAll(`SELECT ${expressions.join(", ")}`)).getRowsJson()[0]!;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.maxSafeNat(), { minLength: 2, maxLength: 20 }),
      fc.integer({ min: 2, max: 1000 }),
      async (numbers, base) => {
        const once = await valuesOf(numbers.map((n) => countSql(`${n}::HUGEINT`, base)));
        const twice = await valuesOf(once.map((n) => countSql(`${String(n)}::HUGEINT`, base)));
        t.same(twice, once);
        for (const [i, n] of numbers.entries()) if (Math.abs(Number(once[i]) - n) > base / 2) return false;
        return true;
      },
    ),
    { numRuns: 50 },
  );
  for (const type of ["DOUBLE", "HUGEINT", "DECIMAL(38,4)"]) {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: -1e15, max: 1e15, noNaN: true }), { minLength: 2, maxLength: 20 }),
        fc.integer({ min: 1, max: 6 }),
        async (numbers, places) => {
          const sorted = numbers.toSorted((x, y) => x - y);
          const texts = sorted.map((x) => `CAST(${x}::DOUBLE AS ${type})`);
          const once = await valuesOf(texts.map((x) => digitsSql(x, type, places)));
          const twice = await valuesOf(once.map((x) => digitsSql(`CAST('${String(x)}' AS ${type})`, type, places)));
          t.same(twice, once);
          const shown = once.map(Number);
          return shown.every((x, i) => i === 0 || x >= shown[i - 1]!);
        },
      ),
      { numRuns: 30 },
    );
  }
});
