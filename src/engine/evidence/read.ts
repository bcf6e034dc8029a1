import type { DuckDBConnection } from "@duckdb/node-api";
import type { SafeQuery } from "../gate/index.ts";
import { evidenceNames, shapeOf, type Shape } from "./cells-sql.ts";
import type { AggregateEvidence, CellEvidence, Region } from "./evidence.ts";
import { exactSql, type ExactCells } from "./exact-sql.ts";

type Row = Record<string, unknown>;

/** Reads the evidence columns of the table of cells; released values stay in the engine. */
export async function readCells(
  connection: DuckDBConnection,
  query: SafeQuery,
  options: { table: string; atLeast: boolean },
): Promise<CellEvidence[]> {
  const shape = shapeOf(query);
  const classes = query.subjects.map((_, c) => c);
  const names = ["cell", "row_count", ...evidenceNames(shape, classes).flatMap(readable)];
  const rows = await rowsOf(connection, `SELECT ${names.join(", ")} FROM ${options.table} ORDER BY cell`);
  return rows.map((row) => ({
    cell: number(row["cell"]),
    rows: number(row["row_count"]),
    atLeast: options.atLeast,
    subjects: classes.map((c) => number(row[`subjects${c}`])),
    aggregates: shape.of.map((_, i) => classes.map((c) => readAggregate(shape, row, { c, i }))),
    regions: classes.map((c) => readRegions(row, c)),
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
    const names = ["cell", ...evidenceNames(shape, [c]).flatMap(readable)];
    for (const row of await rowsOf(connection, `SELECT ${names.join(", ")} FROM (${exactSql(query, which)})`)) {
      const cell = wanted.get(number(row["cell"]))!;
      cell.subjects[c] = number(row[`subjects${c}`]);
      for (const i of shape.of.keys()) cell.aggregates[i]![c] = readAggregate(shape, row, { c, i });
      cell.regions[c] = readRegions(row, c);
    }
  }
  for (const cell of cells) cell.atLeast = false;
}

async function rowsOf(connection: DuckDBConnection, sql: string): Promise<Row[]> {
  return (await connection.runAndReadAll(sql)).getRowObjects();
}

/** Lists come as text, the two largest as numbers. */
function readable(name: string): string[] {
  if (name.startsWith("region")) return [`to_json(${name})::VARCHAR AS ${name}`];
  if (!name.startsWith("top")) return [name];
  return [`${name}[1] AS first${name.slice(3)}`, `${name}[2] AS second${name.slice(3)}`];
}

function readAggregate(shape: Shape, row: Row, { c, i }: { c: number; i: number }): AggregateEvidence {
  const p = shape.of[i]!;
  const kinds = row[`kinds${c}_${p}`];
  const counted = { nonNull: number(row[`nonnull${c}_${p}`]), nonNeutral: number(row[`nonneutral${c}_${p}`]) };
  // A subject counts once where distinct subjects are counted: nobody dominates.
  if (shape.query.aggregates[i]!.kind === "subjects") return counted;
  return {
    ...counted,
    ...(kinds === undefined ? {} : { offMode: offMode(row[`same${c}_${p}`] === true, number(kinds)) }),
    total: number(row[`total${c}_${p}`]),
    largest: [number(row[`first${c}_${p}`]), number(row[`second${c}_${p}`])],
  };
}

/** n different contributions mean that at least n − 1 subjects are off the most frequent one. */
function offMode(isSame: boolean, kinds: number): number {
  return isSame ? 0 : Math.max(kinds - 1, 1);
}

function readRegions(row: Row, c: number): Region[] {
  const filters = row[`region${c}`];
  const subjects = row[`region_subjects${c}`];
  if (typeof filters !== "string" || typeof subjects !== "string") return [];
  const counts = JSON.parse(subjects) as number[];
  return (JSON.parse(filters) as number[]).map((bits, i) => ({ filters: BigInt(bits), subjects: counts[i] ?? 0 }));
}

/** Counts and sizes come as bigint or number; an empty sum is 0. */
function number(value: unknown): number {
  if (typeof value === "bigint" || typeof value === "number") return Number(value);
  return 0;
}
