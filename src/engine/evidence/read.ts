import type { DuckDBConnection } from "@duckdb/node-api";
import type { SafeQuery } from "../gate/index.ts";
import { evidenceNames, shapeOf, type Shape } from "./cells-sql.ts";
import type { AggregateEvidence, CellEvidence, Region } from "./evidence.ts";
import { exactSql, type ExactCells } from "./exact-sql.ts";

/** Reads the evidence columns of the table of cells; released values stay in the engine. */
export async function readCells(
  connection: DuckDBConnection,
  query: SafeQuery,
  table: string,
): Promise<CellEvidence[]> {
  const shape = shapeOf(query);
  const classes = query.subjects.map((_, c) => c);
  const names = ["cell", "row_count", "counted", "complete", ...evidenceNames(shape, classes)];
  const { rows, column } = await columnsOf(connection, names, `${table} ORDER BY cell`);
  return rows.map((row) => ({
    cell: number(column("cell")[row]),
    rows: number(column("row_count")[row]),
    counted: column("counted")[row] === true,
    atLeast: column("complete")[row] !== true,
    subjects: classes.map((c) => number(column(`subjects${c}`)[row])),
    aggregates: shape.of.map((_, i) => classes.map((c) => readAggregate(shape, (what) => column(what)[row], { c, i }))),
    regions: classes.map((c) => (shape.hasRegions ? readRegions(column(`region${c}`)[row]) : [])),
  }));
}

/** Puts exact numbers in place of the bounds of some cells. */
export async function readExact(
  connection: DuckDBConnection,
  input: { query: SafeQuery; table: string; cells: readonly CellEvidence[] },
): Promise<void> {
  const { query, table, cells } = input;
  const shape = shapeOf(query);
  const wanted = new Map(cells.map((cell) => [cell.cell, cell]));
  for (const c of query.subjects.keys()) {
    const which: ExactCells = { c, table, cells: [...wanted.keys()] };
    const names = ["cell", ...evidenceNames(shape, [c])];
    const { rows, column } = await columnsOf(connection, names, `(${exactSql(query, which)})`);
    for (const row of rows) {
      const cell = wanted.get(number(column("cell")[row]))!;
      cell.subjects[c] = number(column(`subjects${c}`)[row]);
      for (const i of shape.of.keys()) {
        cell.aggregates[i]![c] = readAggregate(shape, (what) => column(what)[row], { c, i });
      }
      if (shape.hasRegions) cell.regions[c] = readRegions(column(`region${c}`)[row]);
    }
  }
  for (const cell of cells) Object.assign(cell, { atLeast: false, counted: true });
}

interface Columns {
  /** Ordinals of the rows. */
  rows: number[];
  column: (name: string) => readonly unknown[];
}

async function columnsOf(connection: DuckDBConnection, names: readonly string[], from: string): Promise<Columns> {
  const result = await connection.runAndReadAll(`SELECT ${names.join(", ")} FROM ${from}`);
  const columns = new Map(result.getColumns().map((column, i) => [names[i]!, column]));
  return {
    rows: Array.from({ length: result.currentRowCount }, (_, row) => row),
    column: (name) => columns.get(name) ?? [],
  };
}

function readAggregate(shape: Shape, of: (name: string) => unknown, at: { c: number; i: number }): AggregateEvidence {
  const p = shape.of[at.i]!;
  const read = (what: string): number => number(of(`${what}${at.c}_${p}`));
  const counted = { nonNull: read("nonnull"), nonNeutral: read("nonneutral") };
  // A subject counts once where distinct subjects are counted: nobody dominates.
  if (shape.query.aggregates[at.i]!.kind === "subjects") return counted;
  return {
    ...counted,
    ...(shape.parts[p]!.isMagnitude ? { offMode: read("off") } : {}),
    total: read("total"),
    largest: [read("first"), read("second")],
  };
}

/** Nothing is known of regions that were too many to bound: there may be one of nobody. */
function readRegions(text: unknown): Region[] {
  if (typeof text !== "string") return [{ filters: 0n, subjects: 0 }];
  return (JSON.parse(text) as [number, number][]).map(([filters, subjects]) => ({
    filters: BigInt(filters),
    subjects,
  }));
}

/** Counts and sizes come as bigint or number; an empty sum is 0. */
function number(value: unknown): number {
  return typeof value === "bigint" || typeof value === "number" ? Number(value) : 0;
}
