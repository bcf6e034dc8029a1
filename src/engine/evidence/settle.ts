import type { DuckDBConnection } from "@duckdb/node-api";
import type { SafeQuery } from "../gate/index.ts";
import { isMagnitude, shapeOf } from "./cells-sql.ts";
import type { CellEvidence } from "./evidence.ts";
import { modesSql } from "./exact-sql.ts";
import { readExact } from "./read.ts";

export interface SettleInput {
  query: SafeQuery;
  cells: readonly CellEvidence[];
  table: string;
  /** From how many differing subjects on the exact number does not matter. */
  enough: number;
  /** Whether bounds leave no rule in doubt about a cell. */
  isClear: (cell: CellEvidence) => boolean;
}

/**
 * Counts exactly, subject by subject, the cells about which their bounds leave a rule in doubt. In tables of large
 * cells there are none; where few are small, only their rows are read again.
 */
export async function settleCells(connection: DuckDBConnection, input: SettleInput): Promise<void> {
  const { query, table } = input;
  // A cell that is known to have too few subjects is hidden whole: what they contribute does not matter.
  const isSmall = (cell: CellEvidence): boolean => cell.counted && cell.subjects.some((one) => one < input.enough);
  const open = input.cells.filter((cell) => cell.atLeast && !isSmall(cell) && !input.isClear(cell));
  if (open.length > 0) await readExact(connection, { query, table, cells: open });
  await settleModes(connection, input);
}

/**
 * Counts exactly how many subjects are off the mode where the lower bound leaves it open: n different contributions
 * mean at least n - 1 such subjects, which settles nearly every cell of real amounts at no cost.
 */
async function settleModes(connection: DuckDBConnection, input: SettleInput): Promise<void> {
  const { query, table } = input;
  const { of } = shapeOf(query);
  for (const i of query.aggregates.keys()) {
    if (!isMagnitude(query, i) || of.indexOf(of[i]!) < i) continue;
    for (const c of query.subjects.keys()) {
      const open = input.cells.filter((cell) => isOpen(cell, { c, i, enough: input.enough }));
      if (open.length === 0) continue;
      const which = { c, table, p: of[i]!, cells: open.map((cell) => cell.cell) };
      const result = await connection.runAndReadAll(modesSql(query, which));
      const off = new Map(result.getRows().map(([cell, count]) => [Number(cell), Number(count)]));
      for (const cell of open) setOffMode(cell, { c, aggregates: sharers(of, i), off: off.get(cell.cell) ?? 0 });
    }
  }
}

/** Aggregates that share a part with aggregate i. */
function sharers(of: readonly number[], i: number): number[] {
  return [...of.keys()].filter((other) => of[other] === of[i]);
}

function setOffMode(
  cell: CellEvidence,
  { c, aggregates, off }: { c: number; aggregates: readonly number[]; off: number },
): void {
  for (const i of aggregates) cell.aggregates[i]![c]!.offMode = off;
}

function isOpen(cell: CellEvidence, { c, i, enough }: { c: number; i: number; enough: number }): boolean {
  const { offMode = 0, nonNeutral } = cell.aggregates[i]![c]!;
  return !cell.atLeast && offMode > 0 && offMode < enough && nonNeutral >= enough;
}
