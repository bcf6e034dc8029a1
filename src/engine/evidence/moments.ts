import type { DuckDBConnection } from "@duckdb/node-api";
import type { StatisticsInput } from "./cell-rows.ts";
import { boundEvidenceSql, deviationsSql, offModeSql, SIZES, subjectEvidenceSql } from "./deviations-sql.ts";
import type { CellEvidence, ContributionEvidence, PairEvidence } from "./evidence.ts";
import { fitSql, momentsSql, momentsValueSql, pairsOf } from "./moments-sql.ts";

type Row = Record<string, unknown>;

/** Puts covariances, correlations and lines into the table of cells, and who makes them into the evidence. */
export async function addMoments(connection: DuckDBConnection, input: StatisticsInput): Promise<void> {
  const { query, table } = input;
  const pairs = pairsOf(query);
  if (pairs.length === 0) return;
  const moments = `${table}_moments`;
  try {
    await connection.run(`CREATE OR REPLACE TEMP TABLE ${moments.split(".").at(-1)!} AS ${momentsSql(input)}`);
    const values = pairs.flatMap(({ m, aggregates }) =>
      aggregates.map((i) => `a${i} = ${momentsValueSql(query.aggregates[i]!, m)}`),
    );
    await connection.run(`UPDATE ${table} AS t SET ${values.join(", ")} FROM ${moments} AS q WHERE q.cell = t.cell`);
    for (const c of query.subjects.keys()) await readPairs(connection, { ...input, moments, c });
  } finally {
    await connection.run(`DROP TABLE IF EXISTS ${moments}`);
  }
}

interface PairInput extends StatisticsInput {
  moments: string;
  c: number;
}

/** Bounds where subjects are counted so; exact numbers for the cells about which these leave a doubt. */
async function readPairs(connection: DuckDBConnection, input: PairInput): Promise<void> {
  const { query, cells, counting } = input;
  const isBounded = counting === "bounded";
  if (isBounded) await addPairs(connection, input, { sql: boundEvidenceSql(input, input), cells });
  const open = isBounded ? cells.filter((cell) => !isClearCell(input, cell)) : cells;
  if (open.length === 0) return;
  const where = isBounded ? `cell IN (${open.map(({ cell }) => cell).join(", ")})` : "TRUE";
  const deviations = deviationsSql(input, { ...input, where });
  await addPairs(connection, input, { sql: subjectEvidenceSql(query, deviations), cells: open });
  await settleOffModes(connection, input, { deviations, cells: open });
}

function isClearCell({ query, c, isClearPair }: PairInput, cell: CellEvidence): boolean {
  return pairsOf(query).every(({ aggregates }) => isClearPair(cell.aggregates[aggregates[0]!]![c]!.pair!));
}

async function addPairs(
  connection: DuckDBConnection,
  { query, c, moments }: PairInput,
  { sql, cells }: { sql: string; cells: readonly CellEvidence[] },
): Promise<void> {
  const pairs = pairsOf(query);
  const fits = pairs.map(({ m }) => `${fitSql(m)} AS fit${m}`);
  const fit = await rowsByCell(connection, `SELECT cell, ${fits.join(", ")} FROM ${moments}`);
  const evidence = await rowsByCell(connection, sql);
  for (const cell of cells) {
    for (const { m, aggregates } of pairs) {
      const pair = pairEvidence(evidence.get(cell.cell) ?? {}, m, number(fit.get(cell.cell)?.[`fit${m}`]));
      for (const i of aggregates) cell.aggregates[i]![c]!.pair = pair;
    }
  }
}

function pairEvidence(row: Row, m: number, fit: number): PairEvidence {
  const [xx, yy, xy] = SIZES.map((name) => contribution(row, `${name}${m}`));
  return { subjects: number(row[`n${m}`]), fit, xx: xx!, yy: yy!, xy: xy! };
}

function contribution(row: Row, size: string): ContributionEvidence {
  const kinds = number(row[`kinds_${size}`]);
  return {
    nonNeutral: number(row[`nonneutral_${size}`]),
    // n different contributions mean that at least n - 1 subjects are off the most frequent one.
    offMode: row[`same_${size}`] === true ? 0 : Math.max(kinds - 1, 1),
    total: number(row[`total_${size}`]),
    largest: [number(row[`first_${size}`]), number(row[`second_${size}`])],
  };
}

/** Counts exactly who is off the mode where the lower bound does not settle it. */
async function settleOffModes(
  connection: DuckDBConnection,
  { query, c, enough }: PairInput,
  { deviations, cells }: { deviations: string; cells: readonly CellEvidence[] },
): Promise<void> {
  for (const { m, aggregates } of pairsOf(query)) {
    for (const size of SIZES) {
      const sumOf = (cell: CellEvidence): ContributionEvidence => cell.aggregates[aggregates[0]!]![c]!.pair![size];
      const open = cells.filter((cell) => sumOf(cell).offMode > 0 && sumOf(cell).offMode < enough);
      if (open.length === 0) continue;
      const exact = await rowsByCell(connection, offModeSql(deviations, `${size}${m}`));
      for (const cell of open) sumOf(cell).offMode = number(exact.get(cell.cell)?.["off"]);
    }
  }
}

async function rowsByCell(connection: DuckDBConnection, sql: string): Promise<Map<number, Row>> {
  const rows = (await connection.runAndReadAll(sql)).getRowObjects();
  return new Map(rows.map((row) => [Number(row["cell"]), row]));
}

function number(value: unknown): number {
  return typeof value === "bigint" || typeof value === "number" ? Number(value) : 0;
}
