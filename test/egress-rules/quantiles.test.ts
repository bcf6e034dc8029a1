import t from "tap";
import { ask, openTown, rowsOf } from "../engine/session/town-session.ts";

interface Seen {
  suppressedBy: string[];
  codes: string[];
  rows: unknown[][];
}

async function seen(sql: string, change?: string): Promise<Seen> {
  await using town = await openTown(change === undefined ? {} : { change });
  const { answer, parts } = await town.query(ask(sql));
  const rows = parts[2]!.byteLength === 0 ? [] : rowsOf(parts);
  return { suppressedBy: answer.facts.suppressedBy, codes: answer.findings.map((finding) => finding.code), rows };
}

const row = (rows: unknown[][], key: unknown): unknown[] | undefined => rows.find(([first]) => first === key);
const inNorth = "district = 'North'";

t.test("R10 hides quantiles that stand in for an extreme", async (t) => {
  // 399 or 400 people live in each district: a hundredth of them are four.
  const { rows, codes } = await seen(
    "SELECT district, quantile_cont(income, 0.01), quantile_cont(income, 0.995), quantile_disc(income, 0.05) FROM residents GROUP BY 1",
  );
  t.ok(codes.includes("quantile_of_few"));
  for (const district of ["North", "South", "East", "West", "Harbour"]) {
    const [, low, high, other] = row(rows, district)!;
    t.same([low, high], [null, null]);
    t.type(other, "number");
  }
});

t.test("R10 counts people: the rows of one person make no tail and no bin", async (t) => {
  const change = `DELETE FROM visits WHERE hospital = 'H1' AND visit % 3 <> 0;
    INSERT INTO visits SELECT 900000 + i, 40, 'H1', DATE '2024-01-01', 1 FROM range(200) r(i)`;
  const { rows } = await seen(
    "SELECT hospital, quantile_cont(cost, 0.25), median(cost) FROM visits GROUP BY 1",
    change,
  );
  const [, quarter, middle] = row(rows, "H1")!;
  t.equal(quarter, null, "a quarter of the rows lies at what one person paid");
  t.not(middle, null);
});

t.test("a value that many share is shown as it is, one of a few is not", async (t) => {
  const { rows } = await seen(
    "SELECT district, median(children), median(income), quantile_cont(tax, 0.5) FROM residents GROUP BY 1",
    `UPDATE residents SET income = 50000 WHERE ${inNorth} AND person % 2 = 0; UPDATE residents SET income = 60000 WHERE ${inNorth} AND person % 2 = 1;
     UPDATE residents SET income = 54321 WHERE person = (SELECT min(person) FROM residents WHERE ${inNorth} AND person % 2 = 1)`,
  );
  const [, children, income, tax] = row(rows, "North")!;
  t.ok(children === 1 || children === 2);
  t.notMatch(String(income), /54321/, "the one in the middle");
  t.equal(Number(tax) % 50, 0, "amounts that differ are rounded");
});

t.test("of many quantiles the first nine are shown, however they are asked for", async (t) => {
  const points = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.15];
  const single = await seen(
    `SELECT ${points.map((point) => `quantile_cont(income, ${point})`).join(", ")} FROM residents`,
  );
  t.same(
    single.rows[0]!.map((value) => value === null),
    points.map((_, i) => i >= 9),
  );
  t.same(single.codes, ["too_many_quantiles"]);
  const list = await seen(`SELECT quantile_cont(income, [${points.join(", ")}]), median(tax) FROM residents`);
  t.same(list.rows, [[null, null]]);
  const again = await seen(`SELECT ${points.map(() => "median(income)").join(", ")} FROM residents`);
  t.same(again.codes, [], "the same one counts once");
});

t.test("a list is hidden when one of its points is", async (t) => {
  const { rows } = await seen("SELECT district, quantile_cont(income, [0.5, 0.01]) FROM residents GROUP BY 1");
  t.ok(rows.every(([, values]) => values === null));
});

t.test("two quantiles of one row that differ by few people's rows are not shown together", async (t) => {
  const { rows, suppressedBy } = await seen(
    "SELECT district, median(income), median(income) FILTER (WHERE active) FROM residents GROUP BY 1",
    "UPDATE residents SET active = NOT (person % 400 = 1 OR person % 20 = 0)",
  );
  const [, all, part] = row(rows, "South")!;
  t.type(all, "number");
  t.equal(part, null, "four of South are not active");
  t.ok(row(rows, "North")!.every((value) => value !== null));
  t.same(suppressedBy, ["R1", "R4"]);
});

t.test("counts of different values need enough people for each", async (t) => {
  const sql = "SELECT district, count(DISTINCT sex), count(*) FROM residents GROUP BY 1";
  t.same(row((await seen(sql)).rows, "North"), ["North", "2", "399"]);
  const rare = await seen(
    sql,
    `UPDATE residents SET sex = 'x' WHERE person IN (SELECT person FROM residents WHERE ${inNorth} LIMIT 9)`,
  );
  t.same(row(rare.rows, "North"), ["North", null, "399"]);
  t.ok(rare.suppressedBy.includes("R10"));
  const enough = await seen(
    sql,
    `UPDATE residents SET sex = 'x' WHERE person IN (SELECT person FROM residents WHERE ${inNorth} LIMIT 10)`,
  );
  t.same(row(enough.rows, "North"), ["North", "3", "399"]);
});

t.test("a reviewer sees what lies around quantiles, behind models and behind counts of values", async (t) => {
  await using town = await openTown();
  const { answer } = await town.query(
    ask("SELECT median(income), corr(tax, income), count(DISTINCT district), count(*) FROM residents"),
  );
  const { columns, cells } = answer.evidence;
  const shown = Object.fromEntries(columns.map((name, i) => [name, cells[0]![i]]));
  t.same(
    ["subjects", "at most", "at least", "bin in units"].map((what) => shown[`a0 quantile residents q0.5 ${what}`]),
    [2000, 1000, 1000, 500_000_000],
  );
  t.equal(shown["a1 corr residents subjects with a pair"], 2000);
  t.type(shown["a1 corr residents largest share xy"], "number");
  t.equal(shown["a2 distinct residents fewest per value"], 6);
  t.equal(shown["suppressed by (R17: for the sake of others)"], "R10 a2");
});
