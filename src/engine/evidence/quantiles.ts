import type { DuckDBConnection } from "@duckdb/node-api";
import type { StatisticsInput } from "./cell-rows.ts";
import type { QuantileEvidence } from "./evidence.ts";
import { quantileItems, quantilesSql, quantileValueSql } from "./quantile-sql.ts";

/** Puts the rounded quantiles into the table of cells, and what the rules ask about them into the evidence. */
export async function addQuantiles(connection: DuckDBConnection, input: StatisticsInput): Promise<void> {
  const { query, table } = input;
  const items = quantileItems(query);
  if (items.length === 0) return;
  const own = `${table}_quantiles`;
  try {
    await connection.run(`CREATE OR REPLACE TEMP TABLE ${own.split(".").at(-1)!} AS ${quantilesSql(input)}`);
    const aggregates = [...new Set(items.map((item) => item.aggregate))];
    const values = aggregates.map((i) => `a${i} = ${quantileValueSql(query, i)}`);
    await connection.run(`UPDATE ${table} AS t SET ${values.join(", ")} FROM ${own} AS q WHERE q.cell = t.cell`);
    for (const c of query.subjects.keys()) await readQuantiles(connection, { ...input, own, c });
  } finally {
    await connection.run(`DROP TABLE IF EXISTS ${own}`);
  }
}

async function readQuantiles(
  connection: DuckDBConnection,
  { query, cells, own, c }: StatisticsInput & { own: string; c: number },
): Promise<void> {
  const items = quantileItems(query);
  const columns = items.flatMap(({ name }) => [`n${c}_${name}`, `b${c}_${name}`, `a${c}_${name}`, `z${name}`]);
  const rows = (await connection.runAndReadAll(`SELECT cell, ${columns.join(", ")} FROM ${own}`)).getRowObjects();
  const found = new Map(rows.map((row) => [Number(row["cell"]), row]));
  for (const cell of cells) {
    const row = found.get(cell.cell) ?? {};
    const count = (name: string): number => Number(row[name] ?? 0);
    for (const { name, aggregate, point } of items) {
      const width = row[`z${name}`];
      const one: QuantileEvidence = {
        point: Number(point),
        subjects: count(`n${c}_${name}`),
        atMost: count(`b${c}_${name}`),
        atLeast: count(`a${c}_${name}`),
        ...(typeof width === "bigint" ? { binUnits: Number(width) } : {}),
      };
      const evidence = cell.aggregates[aggregate]![c]!;
      evidence.quantiles = [...(evidence.quantiles ?? []), one];
    }
  }
}
