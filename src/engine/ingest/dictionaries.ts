import type { DuckDBConnection } from "@duckdb/node-api";
import type { Profile } from "./checks.ts";
import type { Source } from "./source.ts";

const MOST_VALUES = 65_535;
const LEAST_REPEATS = 4;

/**
 * The expressions of the columns, where text with few different values is cast to an ENUM of exactly these: DuckDB
 * then yields codes, and the file gets them with one dictionary.
 */
export async function encodeDictionaries(
  connection: DuckDBConnection,
  source: Source,
  profile: Profile,
): Promise<string[]> {
  const expressions: string[] = [];
  for (const [i, { expression, type }] of source.columns.entries()) {
    const distinct = profile.approxDistinct[i]!;
    const pays =
      type === "VARCHAR" && distinct > 0 && distinct <= Math.min(MOST_VALUES, profile.rowCount / LEAST_REPEATS);
    if (!pays) {
      expressions.push(expression);
      continue;
    }
    const values = `SELECT DISTINCT ${expression} AS value FROM ${source.relation} WHERE ${expression} IS NOT NULL ORDER BY 1`;
    await connection.run(`CREATE TYPE sluice_dictionary_${i} AS ENUM (${values})`);
    expressions.push(`CAST(${expression} AS sluice_dictionary_${i})`);
  }
  return expressions;
}
