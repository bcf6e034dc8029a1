import t from "tap";
import { ask, openTown, rowsOf } from "../engine/session/town-session.ts";

const LARGE = "UPDATE residents SET district = 'North' WHERE district = 'Islet'";

async function seen(sql: string, change?: string): Promise<{ rows: unknown[][]; suppressedBy: string[] }> {
  await using town = await openTown(change === undefined ? {} : { change });
  const { answer, parts } = await town.query(ask(sql));
  return { rows: rowsOf(parts), suppressedBy: answer.facts.suppressedBy };
}

t.test("one more cell is hidden beside a hidden one where a total is shown, whatever way it is asked", async (t) => {
  for (const sql of [
    "SELECT district, count(*) FROM residents GROUP BY ROLLUP (district)",
    "SELECT district, count(*) FROM residents GROUP BY GROUPING SETS ((district), ())",
    "SELECT district, count(*) FROM residents GROUP BY 1 UNION ALL SELECT NULL, count(*) FROM residents",
    "SELECT district, n FROM (SELECT district, count(*) AS n, sum(income) FROM residents GROUP BY 1) UNION ALL SELECT NULL, count(*) FROM residents",
  ]) {
    const { rows, suppressedBy } = await seen(sql);
    t.same(suppressedBy, ["R1", "R17"], sql);
    t.same(rows.find(([district]) => district === null)![1], "2000", sql);
    t.same(
      rows.filter(([, n]) => n === null).map(([district]) => district),
      ["East", "Islet"],
      sql,
    );
  }
});

t.test("in a table with totals both ways four corners are hidden, and the totals stay", async (t) => {
  const sql = "SELECT district, active, count(*) FROM residents GROUP BY CUBE (district, active)";
  const few = `${LARGE}; UPDATE residents SET active = person % 4 < 2 AND (district <> 'North' OR person < 60)`;
  const { rows, suppressedBy } = await seen(sql, few);
  t.same(suppressedBy, ["R1", "R17"]);
  t.same(
    rows.filter((row) => row[2] === null).map(([district, active]) => [district, active]),
    [
      ["East", false],
      ["East", true],
      ["North", false],
      ["North", true],
    ],
  );
});

t.test("means are hidden with the sums, and a sum's neighbours with it, while counts stay", async (t) => {
  const one = `${LARGE}; UPDATE residents SET income = 1 + person % 7 / 100.0 WHERE district = 'North';
    UPDATE residents SET income = 5e6 WHERE person = (SELECT min(person) FROM residents WHERE district = 'North')`;
  for (const total of ["sum(income)", "avg(income)", "avg(income * 12)"]) {
    const sql = `SELECT district, count(*), sum(income), avg(income) FROM residents GROUP BY 1
      UNION ALL SELECT NULL, count(*), 0, ${total} FROM residents`;
    const { rows, suppressedBy } = await seen(sql, one);
    t.ok(suppressedBy.includes("R17"), JSON.stringify(suppressedBy));
    t.ok(
      rows.every((row) => row[1] !== null),
      "counts are shown",
    );
    const hidden = rows.filter((row) => row[0] !== null && row[2] === null);
    t.ok(
      hidden.every((row) => row[3] === null),
      "no mean without its sum",
    );
    const totalHidden = rows.find((row) => row[0] === null)![3] === null;
    t.ok(hidden.length >= 2 || totalHidden, JSON.stringify(rows));
    t.ok(hidden.some(([district]) => district === "North"));
  }
});

t.test("the order of the rows in the data decides nothing", async (t) => {
  const sql = "SELECT district, sex, count(*), sum(income) FROM residents GROUP BY CUBE (district, sex)";
  const shuffled = `CREATE TABLE r AS SELECT * FROM residents ORDER BY hash(person); DELETE FROM residents;
    INSERT INTO residents SELECT * FROM r`;
  t.same(await seen(sql), await seen(sql, shuffled));
});

t.test("tables of different keys share their total: a complement is hidden there too", async (t) => {
  const sql = "SELECT district, sex, count(*) FROM residents GROUP BY GROUPING SETS ((district), (sex))";
  const { rows, suppressedBy } = await seen(sql);
  t.same(suppressedBy, ["R1", "R17"]);
  t.same(
    rows.filter((row) => row[2] === null).map(([district]) => district),
    ["East", "Islet"],
  );
  const large = await seen(sql, LARGE);
  t.same([large.suppressedBy, large.rows.length], [[], 7], "with no small group all of both is shown");
});

t.test("two ways of cutting one thing do not give away the few between the cuts", async (t) => {
  // Three people are in a group of one cut and in the other group of the other cut.
  const change = `${LARGE}; UPDATE residents SET district = CASE WHEN person < 1000 THEN 'a' ELSE 'b' END, sex = CASE WHEN person < 1003 THEN 'x' ELSE 'y' END`;
  for (const call of ["count(*)", "sum(income)"]) {
    const sql = `SELECT district, sex, ${call} FROM residents GROUP BY GROUPING SETS ((district), (sex))`;
    const { rows, suppressedBy } = await seen(sql, change);
    t.same(suppressedBy, ["R17"]);
    const shown = rows.filter((row) => row[2] !== null).map((row) => row[0] ?? row[1]);
    t.notOk(shown.includes("a") && shown.includes("x"), JSON.stringify(shown));
    t.notOk(shown.includes("b") && shown.includes("y"), JSON.stringify(shown));
  }
});

t.test("filters that stand in different tables over the same rows are not shown beside each other", async (t) => {
  const change = `${LARGE}; UPDATE residents SET disease = 'none' WHERE district <> 'South' AND disease = 'HIV'`;
  const sql = `WITH a AS (SELECT district, count(*) AS n FROM residents GROUP BY 1),
    b AS (SELECT district, count(*) FILTER (WHERE disease <> 'HIV') AS n FROM residents GROUP BY 1)
    SELECT a.district, a.n, b.n FROM a JOIN b USING (district)`;
  const { rows, suppressedBy } = await seen(sql, change);
  t.ok(suppressedBy.includes("R17"));
  t.ok(rows.every(([, all, part]) => all === null || part === null));
});

t.test("with no hidden cell all margins are shown", async (t) => {
  const { rows, suppressedBy } = await seen(
    "SELECT district, sex, count(*) FROM residents GROUP BY CUBE (district, sex)",
    LARGE,
  );
  t.same(suppressedBy, []);
  t.ok(rows.every((row) => row[2] !== null));
  t.equal(rows.length, 5 * 2 + 5 + 2 + 1);
});

t.test("what stands above the cells sees hidden values as NULL", async (t) => {
  const share = await seen(
    "SELECT district, count(*) * 1.0 / sum(count(*)) OVER () AS share FROM residents GROUP BY 1",
  );
  t.equal(share.rows.find(([district]) => district === "Islet")![1], null);
  const shown = share.rows.reduce((sum, [, one]) => sum + Number(one ?? 0), 0);
  t.ok(Math.abs(shown - 1) < 1e-9, "shares are of what is shown");
  const least = await seen(
    "SELECT min(n), max(n), count(*) FROM (SELECT district, count(*) AS n FROM residents GROUP BY 1)",
  );
  t.ok(Number(least.rows[0]![0]) > 300, "the smallest of what is shown");
  const first = await seen(
    "SELECT * FROM (SELECT district, count(*) AS n FROM residents GROUP BY 1) ORDER BY n LIMIT 1",
  );
  t.not(first.rows[0]![0], "Islet");
});
