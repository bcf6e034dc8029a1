import t from "tap";
import type { EgressFacts } from "#contract/egress.ts";
import { createTown, openConnection } from "../engine/gate/town.ts";
import { ask, NO_LIMITS, openTown, rowsOf } from "../engine/session/town-session.ts";

const MODELS = ["corr", "covar_pop", "covar_samp", "regr_slope", "regr_intercept", "regr_r2"];
const SUMS = ["regr_sxx", "regr_syy", "regr_sxy", "regr_avgx", "regr_avgy", "regr_count"];

t.test("statistics of two measures are those of DuckDB to nine digits, and the same on every run", async (t) => {
  const change =
    "UPDATE residents SET tax = NULL WHERE person % 9 = 0; UPDATE residents SET income = NULL WHERE person % 7 = 0";
  await using town = await openTown({ change });
  await using single = await openTown({ change, threads: 1 });
  const raw = await openConnection(createTown);
  await raw.run(change);
  for (const [pair, from] of [
    ["(tax, income)", "residents"],
    ["(children, tax)", "residents"],
    ["(income, tax) FILTER (WHERE sex = 'f')", "residents"],
    ["(v.cost, r.income)", "residents r JOIN visits v ON r.person = v.person"],
  ] as const) {
    const calls = [...MODELS, ...SUMS].map((name) => `${name}${pair}`);
    const sql = `SELECT district, ${calls.join(", ")} FROM ${from} GROUP BY 1 ORDER BY 1`;
    const first = await town.query(ask(sql, NO_LIMITS));
    const second = await single.query(ask(sql, NO_LIMITS));
    t.ok(Buffer.from(first.parts[0]!).equals(second.parts[0]!), sql);
    const wanted = (await raw.runAndReadAll(sql)).getRowsJson();
    for (const [i, [district, ...values]] of rowsOf(first.parts).entries()) {
      t.equal(district, wanted[i]![0]);
      for (const [j, value] of values.entries()) {
        const other = Number(wanted[i]![j + 1]);
        t.ok(
          Math.abs(Number(value) - other) <= 1e-9 * Math.abs(other),
          `${calls[j]!}: ${String(value)} beside ${other}`,
        );
      }
    }
  }
  raw.closeSync();
});

interface Seen {
  facts: EgressFacts;
  north: unknown[] | undefined;
}

async function seen(values: string, change: string): Promise<Seen> {
  await using town = await openTown({ change });
  const { answer, parts } = await town.query(ask(`SELECT district, ${values}, count(*) FROM residents GROUP BY 1`));
  const rows = parts[2]!.byteLength === 0 ? [] : rowsOf(parts);
  return { facts: answer.facts, north: rows.find(([district]) => district === "North") };
}
const inNorth = "district = 'North'";
const few = (n: number): string =>
  `person IN (SELECT person FROM residents WHERE district = 'North' ORDER BY person LIMIT ${n})`;

t.test("a model needs twelve people who have both values", async (t) => {
  const only = (n: number): string => `UPDATE residents SET tax = NULL WHERE ${inNorth} AND NOT ${few(n)}`;
  const small = await seen("corr(tax, income)", only(11));
  t.same(small.north, ["North", null, "399"]);
  t.ok(small.facts.suppressedBy.includes("R12"));
  t.type((await seen("corr(tax, income)", only(12))).north![1], "number");
});

t.test(
  "models that one person, few people or nobody decides are hidden, also by a mask that the data hold",
  async (t) => {
    for (const change of [
      `UPDATE residents SET income = 9e6 WHERE ${few(1)}`,
      `UPDATE residents SET tax = 1e9 WHERE ${few(1)}`,
      `UPDATE residents SET income = 30000 WHERE ${inNorth}; UPDATE residents SET income = 60000 WHERE ${few(3)}`,
      `UPDATE residents SET income = CASE WHEN ${few(1)} THEN 1 ELSE 0 END WHERE ${inNorth}`,
      `UPDATE residents SET tax = 30000 WHERE ${inNorth}`,
    ]) {
      const models = [...MODELS, "regr_sxy"].map((name) => `${name}(tax, income)`);
      const { north, facts } = await seen(models.join(", "), change);
      t.same(north, ["North", ...models.map(() => null), "399"], change);
      t.ok(facts.suppressedBy.includes("R12"));
    }
  },
);

t.test("a line that fits all would tell everybody's value", async (t) => {
  const change = `UPDATE residents SET tax = (income / 5)::DECIMAL(12,2) WHERE ${inNorth}`;
  const models = [...MODELS, "regr_sxy"].map((name) => `${name}(tax, income)`);
  const { north } = await seen([...models, "regr_sxx(tax, income)"].join(", "), change);
  t.same(
    north!.slice(1, -2),
    models.map(() => null),
  );
  t.type(north!.at(-2), "number", "a spread of one measure is no line");
});

t.test("a model with a large contributor goes to a person", async (t) => {
  const { facts, north } = await seen("corr(tax, income)", `UPDATE residents SET income = 9e5 WHERE ${few(1)}`);
  t.same(facts.reviewBy, ["R12"]);
  t.type(north![1], "number");
});

t.test("a few incomplete pairs do not hide a correlation that nothing can be compared with", async (t) => {
  const { north } = await seen("corr(tax, income), avg(children)", `UPDATE residents SET tax = NULL WHERE ${few(3)}`);
  t.type(north![1], "number");
});

t.test("pairs of which few are incomplete cannot be compared with sums over all", async (t) => {
  const change = `UPDATE residents SET tax = NULL WHERE ${few(1)}`;
  const models = ["regr_avgx", "regr_sxx", "corr", "regr_count"].map((name) => `${name}(tax, income)`);
  const { north, facts } = await seen(["sum(income)", ...models].join(", "), change);
  t.type(north![1], "number");
  t.same([north!.slice(2, -1), facts.blockedBy], [models.map(() => null), []]);
  t.ok(facts.suppressedBy.includes("R4"));
});
