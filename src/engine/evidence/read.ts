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
  const columns = await columnsOf(connection, names, `${table} ORDER BY cell`);
  const [cell, rows] = [columns.numbers("cell"), columns.numbers("row_count")];
  const [counted, complete] = [columns.any("counted"), columns.any("complete")];
  const subjects = classes.map((c) => columns.numbers(`subjects${c}`));
  const aggregates = shape.of.map((_, i) => classes.map((c) => aggregateReader(shape, columns, { c, i })));
  const regions = classes.map((c) => regionReader(shape, columns, c));
  return cell.map((ordinal, row) => ({
    cell: ordinal,
    rows: rows[row]!,
    counted: counted[row] === true,
    atLeast: complete[row] !== true,
    subjects: subjects.map((column) => column[row]!),
    aggregates: aggregates.map((own) => own.map((read) => read(row))),
    regions: regions.map((read) => read(row)),
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
    const columns = await columnsOf(connection, names, `(${exactSql(query, which)})`);
    const subjects = columns.numbers(`subjects${c}`);
    const aggregates = shape.of.map((_, i) => aggregateReader(shape, columns, { c, i }));
    const regions = regionReader(shape, columns, c);
    for (const [row, ordinal] of columns.numbers("cell").entries()) {
      const cell = wanted.get(ordinal)!;
      cell.subjects[c] = subjects[row]!;
      for (const [i, read] of aggregates.entries()) cell.aggregates[i]![c] = read(row);
      cell.regions[c] = regions(row);
    }
  }
  for (const cell of cells) Object.assign(cell, { atLeast: false, counted: true });
}

interface Columns {
  /** Counts and sizes; an empty sum is 0. */
  numbers: (name: string) => number[];
  any: (name: string) => readonly unknown[];
}

/** Reads by columns, and numbers as doubles: there may be very many cells. */
async function columnsOf(connection: DuckDBConnection, names: readonly string[], from: string): Promise<Columns> {
  const selected = names.map((name) => (isNumber(name) ? `coalesce(CAST(${name} AS DOUBLE), 0) AS ${name}` : name));
  const result = await connection.runAndReadAll(`SELECT ${selected.join(", ")} FROM ${from}`);
  const columns = new Map(result.getColumns().map((column, i) => [names[i]!, column]));
  const any = (name: string): readonly unknown[] => columns.get(name) ?? [];
  return { numbers: (name) => any(name) as number[], any };
}

const isNumber = (name: string): boolean => !/^(counted|complete|region\d+)$/.test(name);

type Reader<T> = (row: number) => T;

function aggregateReader(shape: Shape, columns: Columns, at: { c: number; i: number }): Reader<AggregateEvidence> {
  const p = shape.of[at.i]!;
  const column = (what: string): number[] => columns.numbers(`${what}${at.c}_${p}`);
  const [nonNull, nonNeutral] = [column("nonnull"), column("nonneutral")];
  // A subject counts once where distinct subjects are counted: nobody dominates.
  if (shape.query.aggregates[at.i]!.kind === "subjects") {
    return (row) => ({ nonNull: nonNull[row]!, nonNeutral: nonNeutral[row]! });
  }
  const [total, first, second] = [column("total"), column("first"), column("second")];
  const off = shape.parts[p]!.isMagnitude ? column("off") : undefined;
  return (row) => ({
    nonNull: nonNull[row]!,
    nonNeutral: nonNeutral[row]!,
    ...(off ? { offMode: off[row]! } : undefined),
    total: total[row]!,
    largest: [first[row]!, second[row]!],
  });
}

function regionReader(shape: Shape, columns: Columns, c: number): Reader<Region[]> {
  if (!shape.hasRegions) return () => [];
  const texts = columns.any(`region${c}`);
  return (row) => readRegions(texts[row]);
}

/** Nothing is known of regions that were too many to bound: there may be one of nobody. */
function readRegions(text: unknown): Region[] {
  if (typeof text !== "string") return [{ filters: 0n, subjects: 0 }];
  return (JSON.parse(text) as [number, number][]).map(([filters, subjects]) => ({
    filters: BigInt(filters),
    subjects,
  }));
}
