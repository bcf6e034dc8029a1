import fc from "fast-check";
import t from "tap";
import { judgeForm } from "#engine/gate/index.ts";
import { CATALOGUE, createEmpty, openConnection } from "../engine/gate/town.ts";

const planning = await openConnection(createEmpty);
t.teardown(() => planning.closeSync());

const CONDITIONS = [
  "person = 5",
  "name LIKE 'P1%'",
  "income > 12345.67",
  "income::INTEGER > 50000",
  "birth = DATE '1990-05-05'",
  "employer IN ('E1', 'E2')",
  "disease > 'H'",
  "income > (SELECT avg(income) FROM residents)",
  "person IN (SELECT person FROM visits WHERE visit = 7)",
  "person IN (SELECT person FROM visits WHERE cost > 1234.5)",
  "EXISTS (SELECT 1 FROM visits)",
  "EXISTS (SELECT 1 FROM visits v WHERE v.person = residents.person AND v.person = 5)",
  "EXISTS (SELECT 1 FROM visits v WHERE v.hospital = residents.district)",
  "NOT EXISTS (SELECT 1 FROM residents r WHERE r.person = residents.person AND r.name = 'P7')",
  "name IN (SELECT region FROM districts)",
  "person NOT IN (SELECT person FROM residents WHERE disease > 'H')",
];
const VALUES = [
  "max(income)",
  "list(income)",
  "first(name)",
  "string_agg(disease, ',')",
  "sum(CASE WHEN sex = 'f' THEN income ELSE 40000 END)",
  "sum(DISTINCT income)",
  "sum(income) FILTER (WHERE person = 5)",
  "count(DISTINCT name)",
  "bit_xor(children)",
  "sum(sin(income))",
  "median(income + 1)",
  "quantile_cont(income, 0.999)",
  "median(age)",
  "corr(income, age)",
  "regr_slope(income, CASE WHEN sex = 'f' THEN 1 ELSE 0 END)",
  "corr(income, income)",
];
const KEYS = ["name", "disease", "birth", "month(birth)", "age // 5", "income", "employer"];

const leak = fc.oneof(
  fc.record({ kind: fc.constant("where" as const), text: fc.constantFrom(...CONDITIONS) }),
  fc.record({ kind: fc.constant("filter" as const), text: fc.constantFrom(...CONDITIONS) }),
  fc.record({ kind: fc.constant("value" as const), text: fc.constantFrom(...VALUES) }),
  fc.record({ kind: fc.constant("key" as const), text: fc.constantFrom(...KEYS) }),
);
/** Where the rows come from; the same leak is one in all of them. */
const FROMS = [
  "residents",
  "(SELECT * FROM residents r WHERE EXISTS (FROM visits v WHERE v.person = r.person AND v.cost > 100)) AS residents",
  "(SELECT * FROM residents WHERE person NOT IN (SELECT person FROM visits WHERE hospital = 'H1')) AS residents",
  "(SELECT r.* FROM residents r LEFT JOIN (SELECT person AS p, count(*) AS n FROM visits GROUP BY 1) u ON u.p = r.person) AS residents",
  "(SELECT * FROM residents UNION ALL SELECT * FROM residents) AS residents",
];
const honest = fc.record({
  from: fc.constantFrom(...FROMS),
  where: fc.subarray(["sex = 'f'", "active", "income >= 20000", "year(birth) = 1970", "district <> 'West'"]),
  values: fc.subarray(
    [
      "count(*)",
      "sum(income)",
      "avg(tax)",
      "stddev(income)",
      "sum(income * children)",
      "median(tax)",
      "corr(income, tax)",
    ],
    {
      minLength: 1,
    },
  ),
  keys: fc.subarray(["district", "sex", "left(postcode, 3)"]),
  shape: fc.constantFrom(
    (sql: string) => sql,
    (sql: string) => `WITH t AS (${sql}) SELECT count(*) FROM t`,
    (sql: string) => `SELECT *, row_number() OVER () FROM (${sql})`,
    (sql: string) => `SELECT count(*) FROM residents UNION ALL SELECT count(*) FROM (${sql})`,
    (sql: string) => `SELECT x.* FROM (${sql}) x CROSS JOIN (SELECT count(*) FROM visits)`,
    (sql: string) => `SELECT max(v) FROM (SELECT 1 AS v FROM (${sql}) ORDER BY 1 LIMIT 3)`,
  ),
});

interface Parts {
  from: string;
  where: string[];
  values: string[];
  keys: string[];
}

function text({ from, where, values, keys }: Parts): string {
  const conditions = where.length > 0 ? ` WHERE ${where.join(" AND ")}` : "";
  const group = keys.length > 0 ? ` GROUP BY ${keys.join(", ")}` : "";
  return `SELECT ${[...keys, ...values].map((one, i) => `${one} AS c${i}`).join(", ")} FROM ${from}${conditions}${group}`;
}

function withLeak(
  parts: Parts,
  { kind, text: own }: { kind: "where" | "filter" | "value" | "key"; text: string },
): Parts {
  if (kind === "where") return { ...parts, where: [...parts.where, own] };
  if (kind === "key") return { ...parts, keys: [...parts.keys, own] };
  return { ...parts, values: [...parts.values, kind === "value" ? own : `count(*) FILTER (WHERE ${own})`] };
}

const judge = (sql: string) =>
  judgeForm(planning, { sql, parameters: {}, visibility: "aggregates", catalogue: CATALOGUE });

t.test("a leak anywhere in an honest question makes it refused, whatever stands around it", async (t) => {
  await fc.assert(
    fc.asyncProperty(honest, leak, async ({ shape, ...parts }, one) => {
      const own = await judge(shape(text(parts)));
      if (own.form !== "safe") throw new Error(`honest: ${shape(text(parts))} ${JSON.stringify(own)}`);
      const leaking = shape(text(withLeak(parts, one)));
      const { form } = await judge(leaking);
      if (form !== "refused") throw new Error(`${form}: ${leaking}`);
    }),
    { numRuns: 300 },
  );
  t.pass("300 leaks");
});
