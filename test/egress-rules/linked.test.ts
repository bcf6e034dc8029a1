import t from "tap";
import { ask, openTown, rowsOf } from "../engine/session/town-session.ts";

const LARGE = "UPDATE residents SET district = 'North' WHERE district = 'Islet'";

async function seen(sql: string, change?: string): Promise<{ rows: unknown[][]; suppressedBy: string[] }> {
  await using town = await openTown(change === undefined ? {} : { change });
  const { answer, parts } = await town.query(ask(sql));
  return { rows: rowsOf(parts), suppressedBy: answer.facts.suppressedBy };
}

t.test("margins of a table with a hidden cell are hidden, whatever way they are asked", async (t) => {
  for (const sql of [
    "SELECT district, count(*) FROM residents GROUP BY ROLLUP (district)",
    "SELECT district, count(*) FROM residents GROUP BY GROUPING SETS ((district), ())",
    "SELECT district, count(*) FROM residents GROUP BY 1 UNION ALL SELECT NULL, count(*) FROM residents",
  ]) {
    const { rows, suppressedBy } = await seen(sql);
    t.same(suppressedBy, ["R1", "R17"], sql);
    const total = rows.find(([district]) => district === null)!;
    t.equal(total[1], null, sql);
    t.equal(rows.filter(([, n]) => n !== null).length, 5, sql);
  }
});

t.test("tables that overlap without one being finer are hidden but for one", async (t) => {
  const sql = "SELECT district, sex, count(*) FROM residents GROUP BY GROUPING SETS ((district), (sex))";
  const { rows } = await seen(sql);
  t.ok(
    rows.filter(([, sex]) => sex !== null).every((row) => row[2] === null),
    "the sexes add up to the total",
  );
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
