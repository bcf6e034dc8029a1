import type { DuckDBConnection } from "@duckdb/node-api";
import { levelsSql, sideBoundsSql, sidesSql, type BinTable } from "./bin-sql.ts";
import { widthSql } from "./bins.ts";
import type { StatisticsInput } from "./cell-rows.ts";
import type { CellEvidence, QuantileEvidence } from "./evidence.ts";
import { aggregatesOf, quantileItems, quantilesSql, quantileValueSql, type QuantileItem } from "./quantile-sql.ts";

type Row = Record<string, unknown>;
interface QuantilesInput extends StatisticsInput {
  /** Exact quantiles of each cell. */
  quantiles: string;
}

/** Puts the rounded quantiles into the table of cells, and what the rules ask about them into the evidence. */
export async function addQuantiles(connection: DuckDBConnection, input: StatisticsInput): Promise<void> {
  const { query, table } = input;
  const items = quantileItems(query);
  if (items.length === 0) return;
  const [quantiles, bins] = [`${table}_quantiles`, `${table}_bins`];
  const create = (name: string, sql: string): Promise<unknown> =>
    connection.run(`CREATE OR REPLACE TEMP TABLE ${name.split(".").at(-1)!} AS ${sql}`);
  const own: QuantilesInput = { ...input, quantiles };
  try {
    await create(quantiles, quantilesSql(input));
    const classes = [...query.subjects.keys()];
    for (const c of classes) await create(`${bins}_${c}`, levelsSql({ ...own, c }, sampleOf(input)));
    await create(bins, widthsSql(own, bins));
    const values = aggregatesOf(items).map((i) => `a${i} = ${quantileValueSql(query, i)}`);
    await connection.run(`UPDATE ${table} AS t SET ${values.join(", ")} FROM ${bins} AS q WHERE q.cell = t.cell`);
    for (const c of classes) await addSides(connection, { ...own, c }, await widths(connection, bins));
  } finally {
    const tables = [quantiles, bins, ...[...query.subjects.keys()].map((c) => `${bins}_${c}`)];
    for (const one of tables) await connection.run(`DROP TABLE IF EXISTS ${one}`);
  }
}

/** Rows of a cell that a sample should have for each subject that is enough. */
const SAMPLED_ROWS = 24;

/** Every how many-th subject is looked at first: a power of two; 1 where cells are small or few rows are there at all. */
function sampleOf({ cells, enough, counting }: StatisticsInput): number {
  if (counting === "exact" || cells.length === 0) return 1;
  const perCell = cells.reduce((sum, cell) => sum + cell.rows, 0) / cells.length;
  return 2 ** Math.min(Math.max(Math.floor(Math.log2(perCell / (SAMPLED_ROWS * (enough + 1)))), 0), 8);
}

/** The bin of a quantile is the widest of those that the classes need. */
function widthsSql({ query, quantiles }: QuantilesInput, bins: string): string {
  const classes = [...query.subjects.keys()];
  const columns = quantileItems(query).map(({ name }) => {
    const levels = classes.map((c) => `b${c}.l${name}`);
    const known = levels.map((level) => `${level} IS NOT NULL`).join(" AND ");
    const width = `CASE WHEN ${known} THEN ${widthSql(`greatest(${levels.join(", ")})`)} END`;
    return `${classes.length === 0 ? "NULL" : width} AS z${name}`;
  });
  const joined = classes.map((c) => `LEFT JOIN ${bins}_${c} AS b${c} ON b${c}.cell = q.cell`);
  return `SELECT q.*, ${columns.join(", ")} FROM ${quantiles} AS q ${joined.join(" ")}`;
}

async function widths(connection: DuckDBConnection, bins: string): Promise<Map<number, Row>> {
  return rowsByCell(connection, `SELECT * FROM ${bins}`);
}

/** Bounds first where subjects are counted so; exact numbers for the cells about which these leave a doubt. */
async function addSides(
  connection: DuckDBConnection,
  input: BinTable & StatisticsInput,
  bins: ReadonlyMap<number, Row>,
): Promise<void> {
  const { query, cells, counting, isClearQuantile } = input;
  const items = quantileItems(query);
  const add = async (sql: string, some: readonly CellEvidence[]): Promise<void> => {
    const rows = await rowsByCell(connection, sql);
    for (const cell of some)
      setQuantiles(cell, input.c, { items, sides: rows.get(cell.cell), bin: bins.get(cell.cell) });
  };
  if (counting !== "bounded") return add(sidesSql(input), cells);
  await add(sideBoundsSql(input), cells);
  const isClear = (cell: CellEvidence): boolean =>
    items.every(({ aggregate }) => cell.aggregates[aggregate]![input.c]!.quantiles!.every(isClearQuantile));
  const open = cells.filter((cell) => !isClear(cell));
  if (open.length > 0)
    await add(
      sidesSql(
        input,
        open.map(({ cell }) => cell),
      ),
      open,
    );
}

function setQuantiles(
  cell: CellEvidence,
  c: number,
  found: { items: readonly QuantileItem[]; sides: Row | undefined; bin: Row | undefined },
): void {
  for (const aggregate of aggregatesOf(found.items)) {
    const own = found.items.filter((item) => item.aggregate === aggregate);
    cell.aggregates[aggregate]![c]!.quantiles = own.map(({ name, point }): QuantileEvidence => {
      const width = found.bin?.[`z${name}`];
      return {
        point: Number(point),
        subjects: Number(found.sides?.[`n${name}`] ?? 0),
        atMost: Number(found.sides?.[`b${name}`] ?? 0),
        atLeast: Number(found.sides?.[`a${name}`] ?? 0),
        ...(typeof width === "bigint" ? { binUnits: Number(width) } : {}),
      };
    });
  }
}

async function rowsByCell(connection: DuckDBConnection, sql: string): Promise<Map<number, Row>> {
  const rows = (await connection.runAndReadAll(sql)).getRowObjects();
  return new Map(rows.map((row) => [Number(row["cell"]), row]));
}
