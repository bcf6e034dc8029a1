import t from "tap";
import { ask, openTown, rowsOf } from "../engine/session/town-session.ts";
import { QueryRefused, type EngineSession } from "#engine/index.ts";

/** One person of North earns and owes what nobody else does; the attacker knows all others. */
const SECRET = { income: 94_717.31, tax: 9_713.77 };
const CHANGE = `UPDATE residents SET income = ${SECRET.income}, tax = ${SECRET.tax} WHERE person = 8;
  UPDATE residents SET children = CASE WHEN person = 8 THEN 1 ELSE 0 END`;

/** `refused`, `blocked`, or the rows. */
async function answered(town: EngineSession, sql: string): Promise<"refused" | "blocked" | unknown[][]> {
  const found = await town.query(ask(sql)).catch((error: unknown) => {
    if (error instanceof QueryRefused) return "refused" as const;
    throw error;
  });
  if (found === "refused") return found;
  return found.answer.facts.blockedBy.length > 0 ? "blocked" : rowsOf(found.parts);
}

const numbersOf = (rows: readonly unknown[][]): number[] =>
  rows
    .flat(2)
    .filter((value) => value !== null && value !== "")
    .map(Number)
    .filter((value) => Number.isFinite(value));

const ABUSES = [
  // a quantile as the largest or smallest of a cell
  "SELECT district, quantile_disc(income, 0.995) FROM residents GROUP BY 1",
  "SELECT district, quantile_cont(tax, 0.005) FROM residents GROUP BY 1",
  "SELECT percentile_disc(0.005) WITHIN GROUP (ORDER BY income DESC) FROM residents WHERE district = 'North'",
  "SELECT quantile_cont(income, 1) FROM residents",
  "SELECT quantile_disc(income, 0.9995) FROM residents",
  "SELECT quantile_cont(income, -0.001) FROM residents",
  // fractions that slide
  `SELECT ${[0.955, 0.96, 0.965, 0.97, 0.975, 0.98, 0.985, 0.99, 0.995].map((q) => `quantile_disc(income, ${q})`).join(", ")} FROM residents WHERE district = 'North'`,
  // bins that slide
  "SELECT median(income + 1), median(income + 2), median(income + 3) FROM residents",
  "SELECT median(income * 1.01) FROM residents",
  "SELECT median(income::INTEGER) FROM residents",
  // a filter, a class or a key that leaves few
  "SELECT median(income) FROM residents WHERE income >= 94000",
  "SELECT district, median(income) FILTER (WHERE income >= 93000) FROM residents GROUP BY 1",
  "SELECT median(CASE WHEN children = 1 THEN income END) FROM residents",
  "SELECT year(birth), district, median(income) FROM residents GROUP BY ALL",
  // a mask inside the quantile
  "SELECT median(CASE WHEN person = 8 THEN income ELSE 0 END) FROM residents",
  "SELECT median(income * children) FROM residents",
  // an indicator that the statement or the data hold
  "SELECT corr(CASE WHEN person = 8 THEN 1 ELSE 0 END, income) FROM residents",
  "SELECT regr_slope(income, (district = 'North')::INTEGER) FROM residents",
  "SELECT regr_slope(income, children), regr_intercept(income, children), covar_pop(income, children) FROM residents",
  "SELECT corr(income, children), regr_r2(income, children), regr_sxy(income, children) FROM residents WHERE district = 'North'",
  "SELECT regr_avgx(income, children) FROM residents",
  "SELECT regr_avgy(income, tax) FILTER (WHERE children = 1) FROM residents",
  // a line through what the attacker knows
  "SELECT regr_slope(tax, tax), corr(income, income) FROM residents",
  // who else has that value
  "SELECT district, count(DISTINCT children) FROM residents GROUP BY 1",
  "SELECT count(DISTINCT income) FROM residents",
  "SELECT count(DISTINCT CASE WHEN person = 8 THEN district END) FROM residents",
];

t.test("no abuse of a statistic brings one person's amount out, exactly or nearly", { timeout: 100_000 }, async (t) => {
  await using town = await openTown({ change: CHANGE });
  let shown = 0;
  for (const sql of ABUSES) {
    const rows = await answered(town, sql);
    if (typeof rows === "string") continue;
    const numbers = numbersOf(rows);
    shown += numbers.length;
    for (const secret of Object.values(SECRET)) {
      t.notOk(
        numbers.some((number) => Math.abs(number - secret) < secret / 1000),
        `${secret} from ${sql}: ${numbers.join(", ")}`,
      );
    }
  }
  t.ok(shown > 0, "some of them are answered, rounded or in part");
});

t.test("statements that can only serve an abuse are refused, blocked, or say nothing", async (t) => {
  await using town = await openTown({ change: CHANGE });
  const silent = ABUSES.filter((sql) => /children|person|median\(income [+*:]/.test(sql));
  for (const sql of silent) {
    const rows = await answered(town, sql);
    const values = typeof rows === "string" ? [] : numbersOf(rows);
    t.same(values, [], sql);
  }
});

t.test("what sliding fractions show moves over enough people at each step", async (t) => {
  const points = [0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7];
  await using town = await openTown();
  const rows = await answered(
    town,
    `SELECT ${points.map((q) => `quantile_disc(tax, ${q})`).join(", ")} FROM residents WHERE district = 'North'`,
  );
  const values = numbersOf(rows as unknown[][]);
  t.equal(values.length, 9);
  t.ok(values.every((value, i) => i === 0 || value >= values[i - 1]!));
  // 400 people owe 0 … 10,000: bins of ten people are 500 wide, and so are the steps.
  t.ok(values.every((value) => value % 250 === 0));
});
