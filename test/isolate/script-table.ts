/** Query results as the engine sends them, made by DuckDB and the engine's own writer. */
import { DuckDBInstance } from "@duckdb/node-api";
import type { ReleasedTable } from "../../src/contract/release.ts";
import type { ScriptTable } from "../../src/contract/script-table.ts";
import { encodeArrowStream } from "../../src/engine/arrow/index.ts";

const LIMITS = { maxRows: 10_000_000, maxBytes: 60_000_000 };

/** The parts of a `query_result` for the result of a query of DuckDB's. */
export async function queryParts(
  sql: string,
  rest: Pick<ReleasedTable, "suppressed" | "notes"> = { suppressed: 0, notes: [] },
): Promise<Uint8Array[]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    const { bytes, columns, rowCount, layout } = await encodeArrowStream(await connection.stream(sql), LIMITS);
    const head: ScriptTable = { columns, rowCount, layout, suppressed: rest.suppressed, notes: rest.notes };
    return [Buffer.from(JSON.stringify(head)), bytes];
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

const made = new Map<string, Promise<Uint8Array[]>>();

/** The parts for a table whose cells are written as a release writes them; equal tables are made once. */
export async function scriptParts(table: ReleasedTable): Promise<Uint8Array[]> {
  const key = JSON.stringify(table);
  const parts = made.get(key) ?? makeParts(table);
  made.set(key, parts);
  return parts;
}

async function makeParts({ columns, rows, suppressed, notes }: ReleasedTable): Promise<Uint8Array[]> {
  const cast = ({ name, type }: { name: string; type: string }, i: number) =>
    `CAST(c${i} AS ${type}) AS "${name.replaceAll('"', '""')}"`;
  const literals = rows.map((row) => `(${row.map(literal).join(", ")})`);
  const none = `(${columns.map(() => "NULL").join(", ")})`;
  const source = `(VALUES ${literals.join(", ") || none}) AS t(${columns.map((_, i) => `c${i}`).join(", ")})`;
  const sql = `SELECT ${columns.map(cast).join(", ")} FROM ${source}${rows.length === 0 ? " WHERE false" : ""}`;
  return queryParts(sql, { suppressed, notes });
}

function literal(cell: unknown): string {
  if (cell === null) return "NULL";
  if (Array.isArray(cell)) return `[${cell.map(literal).join(", ")}]`;
  return typeof cell === "string" ? `'${cell.replaceAll("'", "''")}'` : JSON.stringify(cell);
}
