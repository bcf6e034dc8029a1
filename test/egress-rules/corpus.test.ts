import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import t from "tap";
import { QueryRefused } from "#engine/index.ts";
import { TPCH_QUERIES } from "../engine/native/tpch-queries.ts";
import { openConnection } from "../engine/gate/town.ts";
import { ask } from "../engine/session/town-session.ts";
import { DATA, openCorpus } from "./corpus/products.ts";

const AREAS = ["health", "transport", "enterprise", "environment", "tpch"];
const TABLE = fileURLToPath(new URL("../../docs/corpus.md", import.meta.url));
const skip = existsSync(`${DATA}adult`) ? false : "no data in ../shared";

interface Outcome {
  area: string;
  sql: string;
  /** `released`, `suppressed R1`, `review R20`, `blocked R19`, or `refused <code>`. */
  outcome: string;
}

function statements(area: string): string[] {
  if (area === "tpch") return [...TPCH_QUERIES];
  const text = readFileSync(new URL(`corpus/${area}.sql`, import.meta.url), "utf8");
  return text.split(/;\n/).map((sql) => sql.trim());
}

async function outcomes(): Promise<Outcome[]> {
  const staging = await openConnection(() => Promise.resolve());
  await using session = await openCorpus(staging);
  staging.closeSync();
  const all: Outcome[] = [];
  for (const area of AREAS) {
    for (const sql of statements(area)) {
      const outcome = await session.query(ask(sql)).then(
        ({ answer: { facts } }) => {
          if (facts.blockedBy.length > 0) return `blocked ${facts.blockedBy.join(" ")}`;
          if (facts.reviewBy.length > 0) return `review ${facts.reviewBy.join(" ")}`;
          return facts.suppressedBy.length > 0 ? `suppressed ${facts.suppressedBy.join(" ")}` : "released";
        },
        (error: unknown) => {
          if (error instanceof QueryRefused) return `refused ${error.findings[0]?.code ?? error.code}`;
          throw error;
        },
      );
      all.push({ area, sql, outcome });
    }
  }
  return all;
}

function tableOf(all: readonly Outcome[]): string {
  const through = (one: Outcome): boolean => /^(released|suppressed)/.test(one.outcome);
  const lines = AREAS.map((area) => {
    const own = all.filter((one) => one.area === area);
    return `| ${area} | ${own.length} | ${own.filter((one) => one.outcome === "released").length} | ${own.filter(through).length} |`;
  });
  const own = all.filter((one) => one.area !== "tpch");
  const rest = all
    .filter((one) => !through(one))
    .map(({ sql, outcome }) => `| ${outcome} | \`${sql.replaceAll(/\s+/g, " ").replaceAll("|", "\\|")}\` |`);
  return `# What honest questions get

Made by \`SLUICE_DOCS=write\` and \`test/egress-rules/corpus.test.ts\` from the statements in \`test/egress-rules/corpus\` over public
data sets, with the profile of the tests (k = 10). "Without a person" counts results with hidden cells too.

| area | statements | released whole | without a person |
|---|---|---|---|
${lines.join("\n")}
| all but TPC-H | ${own.length} | ${own.filter((one) => one.outcome === "released").length} | ${own.filter(through).length} |

## What does not go through by itself

| outcome | statement |
|---|---|
${rest.join("\n")}
`;
}

t.test(
  "most of what analysts ask goes through without a person, and the rest is listed",
  { skip, timeout: 250_000 },
  async (t) => {
    const all = await outcomes();
    t.ok(all.length >= 100, `${all.length} statements`);
    const failed = all.filter((one) =>
      /refused (query_error|plan_unavailable|types|syntax|name_not)/.test(one.outcome),
    );
    t.same(failed, [], "every statement is valid and runs");
    const table = tableOf(all);
    if (process.env["SLUICE_DOCS"] === "write") writeFileSync(TABLE, table);
    t.equal(readFileSync(TABLE, "utf8"), table);
  },
);
