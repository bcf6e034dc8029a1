import type { DuckDBConnection } from "@duckdb/node-api";
import type { SafeQuery } from "../gate/index.ts";
import { cellRowsSql, type CellTable, type StatisticsInput } from "./cell-rows.ts";
import { filterSql, when } from "./part.ts";
import { statisticValueSql } from "./statistic-value.ts";

/** Counts the different values of a dimension in each cell, and how few subjects any one of them has. */
export async function addDistinctValues(connection: DuckDBConnection, input: StatisticsInput): Promise<void> {
  for (const [i, one] of input.query.aggregates.entries()) {
    if (one.kind === "distinct") await addCount(connection, input, i);
  }
}

async function addCount(connection: DuckDBConnection, input: StatisticsInput, i: number): Promise<void> {
  const { query, table, cells, enough } = input;
  const own = `${table}_distinct`;
  try {
    await connection.run(`CREATE OR REPLACE TEMP TABLE ${own.split(".").at(-1)!} AS ${valuesSql(input, i)}`);
    const count = `SELECT c.cell, count(d.v) AS n FROM ${table} AS c LEFT JOIN ${own} AS d ON d.cell = c.cell GROUP BY 1`;
    await connection.run(
      `UPDATE ${table} AS t SET a${i} = CAST(n AS ${query.aggregates[i]!.type}) FROM (${count}) AS q WHERE q.cell = t.cell`,
    );
    for (const c of query.subjects.keys()) {
      const found = await fewest(connection, { query, own, c, i, table, enough });
      for (const cell of cells) cell.aggregates[i]![c]!.fewestPerValue = found.get(cell.cell) ?? Infinity;
    }
  } finally {
    await connection.run(`DROP TABLE IF EXISTS ${own}`);
  }
}

/** One row per cell and value, with at least so many subjects of each class (m): a bitmap of 63 places. */
function valuesSql({ query, table }: CellTable, i: number): string {
  const places = query.subjects.map(
    (_, c) =>
      `bit_count(coalesce(bit_or(1::BIGINT << (hash(s${c}) % 63)::INTEGER) FILTER (s${c} IS NOT NULL), 0)) AS m${c}`,
  );
  return `SELECT ${["cell", "v", ...places].join(", ")} FROM (${rowsSql(query, table, i)}) WHERE v IS NOT NULL GROUP BY cell, v`;
}

function rowsSql(query: SafeQuery, table: string, i: number): string {
  const one = query.aggregates[i]!;
  const filter = filterSql(one);
  return cellRowsSql(query, { table, columns: [["v", when(filter === "" ? "TRUE" : filter, statisticValueSql(one))]] });
}

/** Per cell the fewest subjects of any value; exact where the bitmaps leave it open. */
async function fewest(
  connection: DuckDBConnection,
  {
    query,
    own,
    c,
    i,
    table,
    enough,
  }: { query: SafeQuery; own: string; c: number; i: number; table: string; enough: number },
): Promise<Map<number, number>> {
  const read = async (sql: string): Promise<Map<number, number>> =>
    new Map((await connection.runAndReadAll(sql)).getRows().map(([cell, least]) => [Number(cell), Number(least)]));
  const bounds = await read(`SELECT cell, min(m${c}) FROM ${own} GROUP BY cell`);
  const isOpen = [...bounds.values()].some((least) => least < enough);
  if (!isOpen) return bounds;
  const open = `SELECT cell, v FROM ${own} WHERE m${c} < ${enough}`;
  const counted = `SELECT cell, v, count(DISTINCT s${c}) AS n FROM (${rowsSql(query, table, i)}) SEMI JOIN (${open}) USING (cell, v) GROUP BY cell, v`;
  const exact = await read(`SELECT cell, min(n) FROM (${counted}) GROUP BY cell`);
  return new Map([...bounds, ...exact]);
}
