import type { DuckDBConnection } from "@duckdb/node-api";
import type { SafeQuery } from "../gate/index.ts";
import { distinctFilters, isMagnitude } from "./cells-sql.ts";
import type { AggregateEvidence, CellEvidence, Region } from "./evidence.ts";

type Row = Record<string, unknown>;

/** Reads the evidence columns of the table of cells; released values stay in the engine. */
export async function readCells(
  connection: DuckDBConnection,
  query: SafeQuery,
  table: string,
): Promise<CellEvidence[]> {
  const columns = evidenceColumns(query);
  const result = await connection.runAndReadAll(`SELECT ${columns.join(", ")} FROM ${table} ORDER BY cell`);
  return (result.getRowObjects() as Row[]).map((row) => readCell(query, row));
}

function evidenceColumns(query: SafeQuery): string[] {
  const perClass = query.subjects.flatMap((_, c) => [
    `subjects${c}`,
    ...query.aggregates.flatMap((one, i) => [
      `nonnull${c}_${i}`,
      `nonneutral${c}_${i}`,
      ...(one.kind === "subjects"
        ? []
        : [`total${c}_${i}`, `top${c}_${i}[1] AS first${c}_${i}`, `top${c}_${i}[2] AS second${c}_${i}`]),
      ...(isMagnitude(query, i) ? [`same${c}_${i}`, `kinds${c}_${i}`] : []),
    ]),
    ...(distinctFilters(query).length > 0
      ? [`to_json(region${c})::VARCHAR AS region${c}`, `to_json(region_subjects${c})::VARCHAR AS region_subjects${c}`]
      : []),
  ]);
  return ["cell", "row_count", ...perClass];
}

function readCell(query: SafeQuery, row: Row): CellEvidence {
  const classes = query.subjects.map((_, c) => c);
  return {
    cell: number(row["cell"]),
    rows: number(row["row_count"]),
    subjects: classes.map((c) => number(row[`subjects${c}`])),
    aggregates: query.aggregates.map((_, i) => classes.map((c) => readAggregate(row, c, i))),
    regions: classes.map((c) => readRegions(row, c)),
  };
}

function readAggregate(row: Row, c: number, i: number): AggregateEvidence {
  const total = row[`total${c}_${i}`];
  const kinds = row[`kinds${c}_${i}`];
  return {
    nonNull: number(row[`nonnull${c}_${i}`]),
    nonNeutral: number(row[`nonneutral${c}_${i}`]),
    ...(kinds === undefined ? {} : { offMode: row[`same${c}_${i}`] === true ? 0 : Math.max(number(kinds) - 1, 1) }),
    ...(total === undefined
      ? {}
      : { total: number(total), largest: [number(row[`first${c}_${i}`]), number(row[`second${c}_${i}`])] }),
  };
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
