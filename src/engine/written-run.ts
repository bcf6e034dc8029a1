import type { DuckDBConnection } from "@duckdb/node-api";
import type { EngineQuery } from "#contract/engine.ts";
import { encodeArrowStream, type LaidOutTable } from "./arrow/index.ts";

export interface WrittenJob {
  /** The developer's SQL with its parameters, after the closed world. */
  sql: string;
  ordered: boolean;
  request: EngineQuery;
}

/**
 * Runs a statement as the developer wrote it: over public tables, or where rows may be seen and a person decides.
 * Rows get an order of their own when the statement gives none, so that the same job has the same bytes.
 */
export async function runWritten(data: DuckDBConnection, job: WrittenJob): Promise<LaidOutTable> {
  return encodeArrowStream(await data.stream(orderedSql(job)), job.request);
}

function orderedSql({ sql, ordered, request }: WrittenJob): string {
  if (ordered) return sql;
  const plain = sql.replace(/[\s;]+$/, "");
  // The line break ends a comment that the developer's text may end with.
  return `SELECT * FROM (${plain}\n) AS statement ORDER BY ALL LIMIT ${request.maxRows + 1}`;
}
