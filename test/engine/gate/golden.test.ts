import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { version } from "@duckdb/node-api";
import t from "tap";
import { planStatement } from "#engine/gate/index.ts";
import { createEmpty, openConnection } from "./town.ts";

/** Plans whose form the analyser relies on. `SLUICE_GOLDEN=write` writes them anew: read the difference before you keep it. */
const STATEMENTS: Record<string, string> = {
  aggregate:
    "SELECT district, count(*), avg(income) FILTER (WHERE disease = 'flu') FROM residents GROUP BY 1 HAVING count(*) > 3 ORDER BY 2 DESC LIMIT 3 OFFSET 1",
  case: "SELECT sum(CASE WHEN active THEN tax ELSE 0 END), count(DISTINCT person) FROM residents",
  "comma-join": "SELECT count(*) FROM residents r, visits v WHERE r.person = v.person AND v.cost > 100.5",
  cte: "WITH a AS (SELECT district, count(*) AS n FROM residents GROUP BY 1) SELECT * FROM a WHERE n > 10",
  "left-join": "SELECT region, count(*) FROM residents LEFT JOIN districts USING (district) GROUP BY 1",
  predicates:
    "SELECT count(*) FROM residents WHERE birth BETWEEN '1990-01-01' AND '1999-12-31' AND NOT (sex IN ('f', 'm') OR name IS NULL) AND person > 9007199254740993",
  quantiles:
    "SELECT median(income), quantile_disc(children, [0.25, 0.75]), percentile_cont(0.9) WITHIN GROUP (ORDER BY tax DESC) FILTER (WHERE active) FROM residents",
  regression: "SELECT corr(income, children), regr_slope(tax, income / 12), count(DISTINCT district) FROM residents",
  rollup: "SELECT district, count(*) FROM residents GROUP BY ROLLUP (district)",
  subquery:
    "SELECT count(*) FROM residents WHERE person IN (SELECT person FROM visits) AND income > (SELECT avg(income) FROM residents)",
  exists:
    "SELECT EXISTS (FROM visits v WHERE v.person = r.person AND v.cost > 100) AS e, count(*) FROM residents r WHERE NOT EXISTS (SELECT 1 FROM districts d WHERE d.district = r.district) GROUP BY 1",
  scalar:
    "SELECT count(*) FROM residents WHERE district <> (SELECT max(district) FROM districts) AND age > (SELECT 60)",
  "semi-anti":
    "SELECT count(*) FROM residents r SEMI JOIN visits v ON v.person = r.person ANTI JOIN districts d ON d.district = r.district AND d.region = 'upper'",
  "outer-joins":
    "SELECT hospital, count(v.visit) FROM (SELECT * FROM visits WHERE cost > 100) v RIGHT JOIN residents r ON r.person = v.person GROUP BY 1",
  "union-all":
    "SELECT avg(x) FROM (SELECT person, cost AS x FROM visits UNION ALL SELECT person, income FROM residents)",
  unit: "SELECT n, count(*) FROM (SELECT person, count(*) AS n FROM visits GROUP BY person HAVING sum(cost) > 100) GROUP BY n",
  union:
    "SELECT district, grouping(district), count(*) FROM residents GROUP BY CUBE (district) UNION ALL SELECT 'x', 0, 1 EXCEPT SELECT 'y', 0, 2",
  frame:
    "SELECT m, sum(n) OVER (ORDER BY m ROWS BETWEEN 2 PRECEDING AND CURRENT ROW), lag(n, 1, 0) OVER (ORDER BY m) FROM (SELECT month(day) AS m, count(*) AS n FROM visits GROUP BY 1)",
  window: "SELECT DISTINCT district, rank() OVER (ORDER BY count(*)) FROM residents GROUP BY 1",
  functions: "SELECT year(birth) // 10, left(postcode, 3), coalesce(sum(tax), 0)::DOUBLE FROM residents GROUP BY ALL",
};

const FOLDER = fileURLToPath(new URL("golden/", import.meta.url));
const planning = await openConnection(createEmpty);
t.teardown(() => planning.closeSync());

t.test(`plans of DuckDB ${version()} have the form that the analyser reads`, async (t) => {
  for (const [name, sql] of Object.entries(STATEMENTS)) {
    const plain = (_key: string, value: unknown) => (typeof value === "bigint" ? `${value}n` : value);
    const plan = JSON.stringify(await planStatement(planning, sql), plain, 1);
    const path = `${FOLDER}${name}.json`;
    if (process.env["SLUICE_GOLDEN"] === "write") writeFileSync(path, `${plan}\n`);
    t.strictSame(JSON.parse(plan), JSON.parse(readFileSync(path, "utf8")), name);
  }
  t.same(
    readdirSync(FOLDER).toSorted(),
    Object.keys(STATEMENTS)
      .map((name) => `${name}.json`)
      .toSorted(),
  );
});
