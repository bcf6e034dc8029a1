import type { DuckDBConnection } from "@duckdb/node-api";
import type { SafeQuery } from "../gate/index.ts";
import { isMagnitude, modesSql, type CellsOptions } from "./cells-sql.ts";
import type { CellEvidence } from "./evidence.ts";

export interface ModesInput {
  query: SafeQuery;
  cells: readonly CellEvidence[];
  table: string;
  /** From how many on the exact number does not matter. */
  enough: number;
  options: CellsOptions;
}

/**
 * Counts exactly how many subjects are off the mode where the lower bound leaves it open: n different contributions
 * mean at least n - 1 such subjects, which settles nearly every cell of real amounts at no cost.
 */
export async function settleModes(connection: DuckDBConnection, input: ModesInput): Promise<void> {
  const { query, cells, table, enough, options } = input;
  for (const i of query.aggregates.keys()) {
    if (!isMagnitude(query, i)) continue;
    for (const c of query.subjects.keys()) {
      const open = cells.filter((cell) => isOpen(cell, { c, i, enough }));
      if (open.length === 0) continue;
      const result = await connection.runAndReadAll(modesSql(query, { c, i, table }, options));
      const off = new Map(result.getRows().map(([cell, count]) => [Number(cell), Number(count)]));
      for (const cell of open) cell.aggregates[i]![c]!.offMode = off.get(cell.cell) ?? 0;
    }
  }
}

function isOpen(cell: CellEvidence, { c, i, enough }: { c: number; i: number; enough: number }): boolean {
  const { offMode = 0, nonNeutral } = cell.aggregates[i]![c]!;
  return offMode > 0 && offMode < enough && nonNeutral >= enough;
}
