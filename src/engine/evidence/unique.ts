import type { DuckDBConnection } from "@duckdb/node-api";
import { quoteName, type SafeQuery } from "../gate/index.ts";

const known = new WeakMap<DuckDBConnection, Map<string, Promise<boolean>>>();

/**
 * Whether every row of the query is another subject's: one table whose subject key has no duplicate and no gap. A
 * version does not change, so it is counted once for each table and connection.
 */
export async function hasUniqueSubjects(connection: DuckDBConnection, query: SafeQuery): Promise<boolean> {
  const table = query.from.kind === "table" ? query.tables[query.from.table] : undefined;
  if (table?.subjectKey === undefined) return false;
  const answers = known.get(connection) ?? new Map<string, Promise<boolean>>();
  known.set(connection, answers);
  const answer = answers.get(table.product) ?? countUnique(connection, table.product, table.subjectKey);
  answers.set(table.product, answer);
  return answer;
}

async function countUnique(connection: DuckDBConnection, product: string, key: string): Promise<boolean> {
  const sql = `SELECT count(*) = count(DISTINCT ${quoteName(key)}) FROM ${quoteName(product)}`;
  return (await connection.runAndReadAll(sql)).getRows()[0]?.[0] === true;
}
