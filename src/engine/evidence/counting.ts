import type { DuckDBConnection } from "@duckdb/node-api";
import { quoteName, type SafeQuery } from "../gate/index.ts";
import { distinctFilters, shapeOf } from "./cells-sql.ts";

/**
 * How subjects are counted. `bounded`: in one scan, so that cells of few subjects are known exactly and the others bounded;
 * `exact`: one group per subject.
 */
export type Counting = "bounded" | "exact";

/** What is known of a table of a version, which never changes: asked once for each table and connection. */
interface Facts {
  rows: number;
  /** The key is an ordinal, as ingest writes it. */
  ordinal: boolean;
}
const known = new WeakMap<DuckDBConnection, Map<string, Promise<Facts>>>();

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
  const facts = await Promise.all(tables.map((table) => factsOf(connection, table.product, table.subjectKey!)));
  const isLarge = Math.max(...facts.map((one) => one.rows)) >= FEW_ROWS;
  return isLarge && facts.every((one) => one.ordinal) ? "bounded" : "exact";
}

function factsOf(connection: DuckDBConnection, product: string, key: string): Promise<Facts> {
  const answers = known.get(connection) ?? new Map<string, Promise<Facts>>();
  known.set(connection, answers);
  const answer = answers.get(product) ?? readFacts(connection, product, key);
  answers.set(product, answer);
  return answer;
}

async function readFacts(connection: DuckDBConnection, product: string, key: string): Promise<Facts> {
  const sql = `SELECT count(*), any_value(typeof(${quoteName(key)})) FROM ${quoteName(product)}`;
  const [rows, type] = (await connection.runAndReadAll(sql)).getRows()[0] ?? [];
  return { rows: Number(rows), ordinal: /^U(TINYINT|SMALLINT|INTEGER)$/.test(String(type)) };
}
