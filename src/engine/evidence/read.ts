import type { DuckDBConnection } from "@duckdb/node-api";
import type { SafeQuery } from "../gate/index.ts";
import { evidenceNames, list, shapeOf, type Shape } from "./cells-sql.ts";
import type { AggregateEvidence, CellEvidence, Region } from "./evidence.ts";
import { exactSql, type ExactCells } from "./exact-sql.ts";
import type { Named } from "./names.ts";

/** Cells whose keys are read as text, the first ones: for a reviewer, who reads no more. */
export const MOST_NAMED = 2000;

/** Reads the evidence columns of the table of cells, and the keys of the first as text; released values stay in the engine. */
export async function readCells(
  connection: DuckDBConnection,
  query: SafeQuery,
  table: string,
): Promise<CellEvidence[]> {
  const shape = shapeOf(query);
  const classes = query.subjects.map((_, c) => c);
  const names = ["cell", "row_count", "counted", "complete", ...evidenceNames(shape, classes)];
  const keys = query.keys.map((_, i): Named => [
    `key${i}`,
    `CASE WHEN cell < ${MOST_NAMED} THEN CAST(k${i} AS VARCHAR) END`,
  ]);
  const columns = await columnsOf(connection, { names, keys }, table);
  const [cell, rows] = [columns.numbers("cell"), columns.numbers("row_count")];
  const [counted, complete] = [columns.any("counted"), columns.any("complete")];
  const subjects = classes.map((c) => columns.numbers(`subjects${c}`));
  const sketches = classes.map((c) => sketchReader(columns, `sketch${c}`));
  const aggregates = shape.of.map((_, i) => classes.map((c) => aggregateReader(shape, columns, { c, i })));
  const regions = classes.map((c) => regionReader(shape, columns, c));
  const texts = keys.map(([name]) => columns.any(name));
  const read = cell.map((ordinal, row) => ({
    cell: ordinal,
    keys: ordinal < MOST_NAMED ? texts.map((column) => column[row]) : [],
    rows: rows[row]!,
    counted: counted[row] === true,
    atLeast: complete[row] !== true,
    subjects: subjects.map((column) => column[row]!),
    sketches: sketches.map((own) => own(row)),
    aggregates: aggregates.map((classesOf) => classesOf.map((own) => own(row))),
    regions: regions.map((own) => own(row)),
  }));
  // cheaper here than a sort of DuckDB's over all columns
  return read.toSorted((a, b) => a.cell - b.cell);
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
    const columns = await columnsOf(connection, { names, keys: [] }, `(${exactSql(query, which)})`);
    const subjects = columns.numbers(`subjects${c}`);
    const sketches = sketchReader(columns, `sketch${c}`);
    const aggregates = shape.of.map((_, i) => aggregateReader(shape, columns, { c, i }));
    const regions = regionReader(shape, columns, c);
    for (const [row, ordinal] of columns.numbers("cell").entries()) {
      const cell = wanted.get(ordinal)!;
      cell.subjects[c] = subjects[row]!;
      cell.sketches[c] = sketches(row);
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
async function columnsOf(
  connection: DuckDBConnection,
  { names, keys }: { names: readonly string[]; keys: readonly Named[] },
  from: string,
): Promise<Columns> {
  const selected = names.map((name): Named => [name, isNumber(name) ? `coalesce(CAST(${name} AS DOUBLE), 0)` : name]);
  const all = [...selected, ...keys];
  const result = await connection.runAndReadAll(`SELECT ${list(all)} FROM ${from}`);
  const columns = new Map(result.getColumns().map((column, i) => [all[i]![0], column]));
  const any = (name: string): readonly unknown[] => columns.get(name) ?? [];
  return { numbers: (name) => any(name) as number[], any };
}

const isNumber = (name: string): boolean => !/^(counted|complete|region\d+|sketch.*)$/.test(name);

type Reader<T> = (row: number) => T;

function aggregateReader(shape: Shape, columns: Columns, at: { c: number; i: number }): Reader<AggregateEvidence> {
  const p = shape.of[at.i]!;
  const column = (what: string): number[] => columns.numbers(`${what}${at.c}_${p}`);
  const [nonNull, nonNeutral] = [column("nonnull"), column("nonneutral")];
  const sketch = sketchReader(columns, `sketch${at.c}_${p}`);
  // A subject counts once where distinct subjects are counted: nobody dominates.
  if (shape.query.aggregates[at.i]!.kind === "subjects") {
    return (row) => ({ nonNull: nonNull[row]!, nonNeutral: nonNeutral[row]!, sketch: sketch(row) });
  }
  const [total, first, second] = [column("total"), column("first"), column("second")];
  const off = shape.parts[p]!.isMagnitude ? column("off") : undefined;
  return (row) => ({
    nonNull: nonNull[row]!,
    nonNeutral: nonNeutral[row]!,
    sketch: sketch(row),
    ...(off ? { offMode: off[row]! } : undefined),
    total: total[row]!,
    largest: [first[row]!, second[row]!],
  });
}

function sketchReader(columns: Columns, name: string): Reader<bigint | undefined> {
  const column = columns.any(name);
  return (row) => {
    const sketch = column[row];
    return typeof sketch === "bigint" ? sketch : undefined;
  };
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
