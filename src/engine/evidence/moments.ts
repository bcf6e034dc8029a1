import type { DuckDBConnection } from "@duckdb/node-api";
import type { StatisticsInput } from "./cell-rows.ts";
import type { CellEvidence, ContributionEvidence, PairEvidence } from "./evidence.ts";
import {
  deviationsSql,
  fitSql,
  momentsSql,
  momentsValueSql,
  offModeSql,
  pairEvidenceSql,
  pairsOf,
  SIZES,
  type Pair,
} from "./moments-sql.ts";

type Row = Record<string, unknown>;

/** Puts covariances, correlations and lines into the table of cells, and who makes them into the evidence. */
export async function addMoments(connection: DuckDBConnection, input: StatisticsInput): Promise<void> {
  const { query, table } = input;
  const pairs = pairsOf(query);
  if (pairs.length === 0) return;
  const [moments, deviations] = [`${table}_moments`, `${table}_deviations`];
  try {
    await connection.run(createSql(moments, momentsSql(input)));
    const values = pairs.flatMap(({ m, aggregates }) =>
      aggregates.map((i) => `a${i} = ${momentsValueSql(query.aggregates[i]!, m)}`),
    );
    await connection.run(`UPDATE ${table} AS t SET ${values.join(", ")} FROM ${moments} AS q WHERE q.cell = t.cell`);
    for (const c of query.subjects.keys()) {
      await connection.run(createSql(deviations, deviationsSql(input, { c, moments })));
      await readPairs(connection, { ...input, pairs, moments, deviations, c });
    }
  } finally {
    for (const one of [moments, deviations]) await connection.run(`DROP TABLE IF EXISTS ${one}`);
  }
}

const createSql = (table: string, select: string): string =>
  `CREATE OR REPLACE TEMP TABLE ${table.split(".").at(-1)!} AS ${select}`;

interface PairInput extends StatisticsInput {
  pairs: readonly Pair[];
  moments: string;
  deviations: string;
  c: number;
}

async function readPairs(connection: DuckDBConnection, input: PairInput): Promise<void> {
  const { query, cells, pairs, moments, deviations, c } = input;
  const fits = pairs.map(({ m }) => `${fitSql(m)} AS fit${m}`);
  const fit = await rowsByCell(connection, `SELECT cell, ${fits.join(", ")} FROM ${moments}`);
  const evidence = await rowsByCell(connection, pairEvidenceSql(query, deviations));
  for (const { m, aggregates } of pairs) {
    for (const cell of cells) {
      const pair = pairEvidence(evidence.get(cell.cell) ?? {}, m, number(fit.get(cell.cell)?.[`fit${m}`]));
      for (const i of aggregates) cell.aggregates[i]![c]!.pair = pair;
    }
    await settleOffModes(connection, input, { m, first: aggregates[0]! });
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
  { cells, deviations, c, enough }: PairInput,
  { m, first }: { m: number; first: number },
): Promise<void> {
  const pairOf = (cell: CellEvidence): PairEvidence => cell.aggregates[first]![c]!.pair!;
  for (const size of SIZES) {
    const open = cells.filter((cell) => {
      const { offMode } = pairOf(cell)[size];
      return offMode > 0 && offMode < enough;
    });
    if (open.length === 0) continue;
    const exact = await rowsByCell(connection, offModeSql(deviations, size, m));
    for (const cell of open) pairOf(cell)[size].offMode = number(exact.get(cell.cell)?.["off"]);
  }
}

async function rowsByCell(connection: DuckDBConnection, sql: string): Promise<Map<number, Row>> {
  const rows = (await connection.runAndReadAll(sql)).getRowObjects();
  return new Map(rows.map((row) => [Number(row["cell"]), row]));
}

function number(value: unknown): number {
  return typeof value === "bigint" || typeof value === "number" ? Number(value) : 0;
}
