import type { DuckDBConnection } from "@duckdb/node-api";
import { nearestAggregate, ROW_AGGREGATES, ROW_FUNCTIONS } from "./functions.ts";
import { refuse } from "./refusal.ts";
import { tokenize } from "./tokens.ts";

const known = new WeakMap<DuckDBConnection, Promise<ReadonlyMap<string, string>>>();

/**
 * Refuses calls of the engine's functions that are not on the lists before anything is planned: the planner computes
 * constant calls, and `repeat('x', 4000000000)` would keep it busy for minutes. What passes here is still judged by the
 * plan (`filter` is a keyword too); a call that is written in a way that this does not see only costs time.
 */
export async function checkFunctionNames(planning: DuckDBConnection, sql: string): Promise<void> {
  const names = known.get(planning) ?? functionNames(planning);
  known.set(planning, names);
  const kinds = await names;
  const tokens = tokenize(sql);
  for (const [i, token] of tokens.entries()) {
    if ((token.kind !== "word" && token.kind !== "quoted") || tokens[i + 1]?.text !== "(") continue;
    const name = token.text.toLowerCase();
    const kind = kinds.get(name);
    if (kind === undefined || name === "filter" || ROW_FUNCTIONS.has(name) || ROW_AGGREGATES.has(name)) continue;
    const code = kind === "table" ? "table_function_refused" : "function_refused";
    refuse(code, { construct: `${token.text}()`, suggestion: nearestAggregate(name) });
  }
}

/** Macros are left out: the binder expands them, and the plan shows what they are made of. */
async function functionNames(planning: DuckDBConnection): Promise<ReadonlyMap<string, string>> {
  const result = await planning.runAndReadAll(
    "SELECT function_name, any_value(function_type) FROM duckdb_functions() WHERE function_type NOT LIKE '%macro%' GROUP BY 1",
  );
  return new Map(result.getRows().map(([name, kind]) => [String(name), String(kind)]));
}
