import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { expectHeld, type Payload, startArena } from "./harness.ts";
import { OTHER_SQL_OUTCOMES, SQL_PAYLOADS } from "./sql-payloads.ts";

const OTHERS = fileURLToPath(new URL("../../../shared/redteam/sql", import.meta.url));
const WALL_SECONDS = 5;

t.setTimeout(290_000);
const arena = await startArena(t, { wallSeconds: WALL_SECONDS });

/** Each where only aggregates may be seen and where rows may: there a statement meets more of the engine. */
const SCENARIOS = ["clinic-access", "row-study"] as const;

function ours(): Payload[] {
  return Object.entries(SQL_PAYLOADS).flatMap(([name, [sql, outcomes]]) => {
    return SCENARIOS.map((scenario) => payload(name, sql, { scenario, outcomes }));
  });
}

/** Their tables have other columns than ours. */
function others(): Payload[] {
  const names = readdirSync(OTHERS).filter((name) => name.endsWith(".sql"));
  return names.flatMap((file) => {
    const lines = readFileSync(join(OTHERS, file), "utf8").split("\n");
    const sql = lines
      .filter((line) => !/^-- (id|group|source|expect):/.test(line))
      .join("\n")
      .trim();
    const outcomes = OTHER_SQL_OUTCOMES[file.slice(0, 3)] ?? OTHER_SQL_OUTCOMES[file.charAt(0)] ?? [];
    const text = sql.replaceAll("salary", "income").replaceAll("dept", "district");
    return SCENARIOS.map((scenario) => payload(file.replace(".sql", ""), text, { scenario, outcomes }));
  });
}

function payload(name: string, sql: string, rest: Pick<Payload, "scenario" | "outcomes">): Payload {
  // in a scenario that sees rows, a query that would be refused for its rows alone runs: into quarantine
  const ran = ["succeeded", "query_error", "timeout", "memory_limit"];
  const outcomes = rest.scenario === "row-study" ? [...rest.outcomes, ...ran] : rest.outcomes;
  return { ...rest, name: `${name} in ${rest.scenario}`, image: "sql@1", sql, outcomes };
}

t.test("our SQL is refused, ends with a code or stays in quarantine", async (t) => {
  await expectHeld(t, arena, ours());
});

t.test(
  "so is the SQL from outside",
  { skip: existsSync(OTHERS) ? false : "the payloads are not on this machine" },
  async (t) => {
    await expectHeld(t, arena, others());
  },
);

t.test("no process of the server is left", async (t) => {
  t.same(await arena.close(), []);
});
