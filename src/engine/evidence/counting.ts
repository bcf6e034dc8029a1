import type { DuckDBConnection } from "@duckdb/node-api";
import { quoteName, type SafeQuery } from "../gate/index.ts";
import { distinctFilters, isOrdinal, shapeOf } from "./cells-sql.ts";

/**
 * How subjects are counted. `bounded`: in one scan, so that cells of few subjects are known exactly and the others bounded;
 * `exact`: one group per subject.
 */
export type Counting = "bounded" | "exact";

/** Rows of a table of a version, which never change: asked once for each table and connection. */
const known = new WeakMap<DuckDBConnection, Map<string, Promise<number>>>();

/** Below this many rows bounds cost as much as counting. */
const FEW_ROWS = 20_000;
/** Regions are bits of 32. */
const MOST_FILTERS = 32;

/** How the subjects of a query are counted: cheaply where that is sound, exactly where it must be exact. */
export async function countingOf(connection: DuckDBConnection, query: SafeQuery): Promise<Counting> {
  // Where the released value itself is a number of subjects, all are counted anyway; so where only that tells enough.
  if (query.aggregates.some((one) => one.kind === "subjects")) return "exact";
  if (!shapeOf(query).parts.every((part) => part.bounds)) return "exact";
  if (query.subjects.length === 0 || distinctFilters(query).length > MOST_FILTERS) return "exact";
  const tables = query.tables.filter((table) => table.subjectKey !== undefined);
  if (!query.subjects.every(({ column }) => isOrdinal(column.type))) return "exact";
  const rows = await Promise.all(tables.map((table) => rowsOf(connection, table.product)));
  return Math.max(...rows) >= FEW_ROWS ? "bounded" : "exact";
}

function rowsOf(connection: DuckDBConnection, product: string): Promise<number> {
  const answers = known.get(connection) ?? new Map<string, Promise<number>>();
  known.set(connection, answers);
  const answer = answers.get(product) ?? countRows(connection, product);
  answers.set(product, answer);
  return answer;
}

async function countRows(connection: DuckDBConnection, product: string): Promise<number> {
  const result = await connection.runAndReadAll(`SELECT count(*) FROM ${quoteName(product)}`);
  return Number(result.getRows()[0]?.[0] ?? 0);
}
