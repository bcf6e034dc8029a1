import { levelSql, limitsSql, unitsSql, widthSql } from "./bins.ts";
import { cellRowsSql, type CellTable } from "./cell-rows.ts";
import { list } from "./cells-sql.ts";
import type { Named } from "./names.ts";
import { aggregatesOf, quantileItems, rowValueSql, type QuantileItem } from "./quantile-sql.ts";

/** For one class of subjects and a table that `quantilesSql` has made. */
export interface BinTable extends CellTable {
  quantiles: string;
  c: number;
}

const leastOf = ({ enough }: BinTable): number => Math.max(enough, 1);

/** Rows of subjects with their value (x), and further columns of a table of quantiles. */
function rowsSql({ query, c }: BinTable, table: string, also: readonly string[]): string {
  const columns = aggregatesOf(quantileItems(query)).map((i): Named => [`x${i}`, rowValueSql(query.aggregates[i]!)]);
  return `SELECT *, s${c} AS s FROM (${cellRowsSql(query, { table, columns, also })}) WHERE s${c} IS NOT NULL`;
}

/**
 * Per cell: the level of the narrowest bin around each quantile that holds enough subjects (l). First for every n-th
 * subject alone: their bin is at least as wide as that of all, so for all only the rows in it matter.
 */
export function levelsSql(input: BinTable, sample: number): string {
  const { query, quantiles } = input;
  const items = quantileItems(query);
  const units = items.map(({ name }) => `u${name}`);
  if (sample <= 1) return perCellLevels(input, rowsSql(input, quantiles, units));
  const some = perCellLevels(
    input,
    `SELECT * FROM (${rowsSql(input, quantiles, units)}) WHERE hash(s) % ${sample} = 0`,
  );
  const limits = items.flatMap(({ name, one }): Named[] => {
    const [low, high] = limitsSql({ units: `u${name}`, width: `y${name}`, column: one.argument!.type });
    // Without a bin of the sample every row may matter.
    return [
      [`low${name}`, `coalesce(${low}, '-inf'::DOUBLE)`],
      [`high${name}`, `coalesce(${high}, 'inf'::DOUBLE)`],
    ];
  });
  const widths = items.map(({ name }): Named => [`y${name}`, widthSql(`g.l${name}`)]);
  const found = `SELECT q.*, ${list(widths)} FROM ${quantiles} AS q LEFT JOIN (${some}) AS g ON g.cell = q.cell`;
  const known = `SELECT *, ${list(limits)} FROM (${found})`;
  const rows = rowsSql(input, "wide", [...units, ...limits.map(([name]) => name)]);
  const near = items.map(({ name, aggregate: i }) => `CAST(x${i} AS DOUBLE) BETWEEN low${name} AND high${name}`);
  return `WITH wide AS MATERIALIZED (${known}) ${perCellLevels(input, `SELECT * FROM (${rows}) WHERE ${near.join(" OR ")}`)}`;
}

/** Per cell, for each quantile the level at which so many subjects as are enough share a bin with it. */
function perCellLevels(input: BinTable, rows: string): string {
  const items = quantileItems(input.query);
  const least = leastOf(input);
  const levels = items.map(({ name, aggregate }): Named => [`l${name}`, levelSql(`w${aggregate}`, `u${name}`)]);
  const units = aggregatesOf(items).map(
    (i) => `${unitsSql(`x${i}`, input.query.aggregates[i]!.argument!.type)} AS w${i}`,
  );
  const own = `SELECT cell, s, ${list(levels)} FROM (SELECT *, ${units.join(", ")} FROM (${rows}))`;
  const smallest = items.map(({ name }): Named => [`l${name}`, `min(l${name})`]);
  const subjects = `SELECT cell, s, ${list(smallest)} FROM (${own}) GROUP BY cell, s`;
  const columns = items.map(({ name }): Named => [`l${name}`, `min(l${name}, ${least})[${least}]`]);
  return `SELECT cell, ${list(columns)} FROM (${subjects}) GROUP BY cell`;
}

/** Columns of a subject, a row, or a group: whether it has a value at most (b) and at least (a) so high as a quantile. */
function sides({ name, aggregate: i }: QuantileItem): Named[] {
  return [
    [`b${name}`, `x${i} <= v${name}`],
    [`a${name}`, `x${i} >= v${name}`],
  ];
}

/** Per cell: subjects with a value at most (b) and at least (a) so high as each quantile, and with one at all (n). */
export function sidesSql(input: BinTable, cells?: readonly number[]): string {
  const items = quantileItems(input.query);
  const values = items.map(({ name }) => `v${name}`);
  const rows = `${rowsSql(input, input.quantiles, values)}${cells === undefined ? "" : ` AND cell IN (${cells.join(", ")})`}`;
  const flags = items.flatMap(sides);
  const own = `SELECT cell, s, ${list(flags)} FROM (${rows})`;
  const any = flags.map(([name]): Named => [name, `bool_or(${name})`]);
  const subjects = `SELECT cell, s, ${list(any)} FROM (${own}) GROUP BY cell, s`;
  const counts = items.flatMap(({ name }): Named[] => [
    [`b${name}`, `count(*) FILTER (b${name})`],
    [`a${name}`, `count(*) FILTER (a${name})`],
    // At most or at least so high is whoever has a value, and nobody else.
    [`n${name}`, `count(*) FILTER (b${name} OR a${name})`],
  ]);
  return `SELECT cell, ${list(counts)} FROM (${subjects}) GROUP BY cell`;
}

/** The same as lower bounds: subjects in groups, and a bitmap of 63 places for each. */
export function sideBoundsSql(input: BinTable): string {
  const items = quantileItems(input.query);
  const values = items.map(({ name }) => `v${name}`);
  const groups = groupsFor(input);
  const place = `1::BIGINT << CAST((s // ${groups}) % 63 AS INTEGER)`;
  const own = `SELECT cell, s % ${groups} AS g, ${place} AS place, ${list(items.flatMap(sides))} FROM (${rowsSql(input, input.quantiles, values)})`;
  const bits = items.flatMap(sides).map(([name]): Named => [name, `coalesce(bit_or(place) FILTER (${name}), 0)`]);
  const counts = items.flatMap(({ name }): Named[] => [
    [`b${name}`, `sum(bit_count(b${name}))`],
    [`a${name}`, `sum(bit_count(a${name}))`],
    [`n${name}`, `sum(bit_count(b${name} | a${name}))`],
  ]);
  return `SELECT cell, ${list(counts)} FROM (SELECT cell, ${list(bits)} FROM (${own}) GROUP BY cell, g) GROUP BY cell`;
}

/** Places enough for the subjects that the outermost fraction needs: some two for each. */
function groupsFor(input: BinTable): number {
  const points = quantileItems(input.query).map(({ point }) => Math.min(Number(point), 1 - Number(point)));
  return Math.min(Math.max(Math.ceil((2 * leastOf(input)) / Math.min(...points) / 63), 1), 128);
}
