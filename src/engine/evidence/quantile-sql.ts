import type { Aggregate, SafeQuery } from "../gate/index.ts";
import { isBinnedSql, levelSql, middleSql, unitsSql, widthSql } from "./bins.ts";
import { cellRowsSql, type CellTable } from "./cell-rows.ts";
import { list } from "./cells-sql.ts";
import type { Named } from "./names.ts";
import { filterSql, when } from "./part.ts";
import { statisticValueSql } from "./statistic-value.ts";

/** One quantile: a point of an aggregate. */
export interface QuantileItem {
  aggregate: number;
  /** Suffix of its columns. */
  name: string;
  point: string;
  one: Aggregate;
}

export function quantileItems(query: SafeQuery): QuantileItem[] {
  return query.aggregates.flatMap((one, aggregate) =>
    (one.quantile?.points ?? []).map((point, j) => ({ aggregate, name: `${aggregate}_${j}`, point, one })),
  );
}

/** Type of one quantile, whether it stands in a list or not. */
const typeOf = ({ one }: QuantileItem): string => one.type.replace(/\[\]$/, "");

/**
 * Per cell: the exact quantiles (v), in units (u), and for each class c of subjects the level of the narrowest bin around
 * each that holds enough subjects (l), and the subjects at most (b) and at least (a) so high, and with a value at all (n);
 * and the width of the narrowest bin that holds enough of every class (z).
 */
export function quantilesSql(input: CellTable): string {
  const { query, table } = input;
  const items = quantileItems(query);
  const rows = [...new Set(items.map((item) => item.aggregate))].flatMap((i) => rowColumns(query.aggregates[i]!, i));
  const values = items.map((item): Named => [`v${item.name}`, exactSql(item)]);
  const units = items.map((item): Named => [`u${item.name}`, itemUnitsSql(item)]);
  const classes = [...query.subjects.keys()];
  const stages = [
    `rows AS (${cellRowsSql(query, { table, columns: rows })})`,
    `v AS (SELECT cell, ${list(values)} FROM rows GROUP BY cell)`,
    `q AS (SELECT *, ${list(units)} FROM v)`,
    ...classes.map((c) => `s${c} AS (${subjectsSql(items, c)})`),
    ...classes.map((c) => `e${c} AS (${countsSql(input, items, c)})`),
  ];
  const joined = classes.map((c) => `LEFT JOIN e${c} USING (cell)`);
  const widths = classes.length === 0 ? [] : items.map((item): Named => [`z${item.name}`, itemWidthSql(query, item)]);
  return `WITH ${stages.join(",\n")} SELECT *${widths.map(([name, sql]) => `, ${sql} AS ${name}`).join("")} FROM q ${joined.join(" ")}`;
}

/** The value of a row and its units, where the filter holds. */
function rowColumns(one: Aggregate, i: number): Named[] {
  const filter = filterSql(one);
  const value = when(filter === "" ? "TRUE" : filter, statisticValueSql(one));
  return [
    [`x${i}`, value],
    [`w${i}`, unitsSql(value, one.argument!.type)],
  ];
}

function exactSql({ aggregate, point, one }: QuantileItem): string {
  const { discrete, descending } = one.quantile!;
  const order = descending ? "DESC" : "ASC";
  return `percentile_${discrete ? "disc" : "cont"}(${point}) WITHIN GROUP (ORDER BY x${aggregate} ${order})`;
}

/** A quantile beyond what has bins has no units. */
function itemUnitsSql(item: QuantileItem): string {
  const units = unitsSql(`v${item.name}`, item.one.argument!.type, typeOf(item));
  return `CASE WHEN ${isBinnedSql(units)} THEN ${units} END`;
}

/** What each subject has beside each quantile of its cells. */
function subjectsSql(items: readonly QuantileItem[], c: number): string {
  const columns = items.flatMap(({ name, aggregate: i }): Named[] => [
    [`l${name}`, `min(${levelSql(`w${i}`, `u${name}`)})`],
    [`b${name}`, `bool_or(x${i} <= v${name})`],
    [`a${name}`, `bool_or(x${i} >= v${name})`],
  ]);
  return `SELECT cell, ${list(columns)} FROM rows JOIN q USING (cell) WHERE s${c} IS NOT NULL GROUP BY cell, s${c}`;
}

function countsSql({ enough }: CellTable, items: readonly QuantileItem[], c: number): string {
  const least = Math.max(enough, 1);
  const columns = items.flatMap(({ name }): Named[] => [
    [`l${c}_${name}`, `min(l${name}, ${least})[${least}]`],
    [`b${c}_${name}`, `count(*) FILTER (b${name})`],
    [`a${c}_${name}`, `count(*) FILTER (a${name})`],
    // At most or at least so high is whoever has a value, and nobody else.
    [`n${c}_${name}`, `count(*) FILTER (b${name} OR a${name})`],
  ]);
  return `SELECT cell, ${list(columns)} FROM s${c} GROUP BY cell`;
}

/** The result of one aggregate over the columns of the table that `quantilesSql` makes: middles of bins. */
export function quantileValueSql(query: SafeQuery, aggregate: number): string {
  const items = quantileItems(query).filter((item) => item.aggregate === aggregate);
  const values = items.map((item) => roundedSql(query, item));
  if (!query.aggregates[aggregate]!.quantile!.list) return values[0]!;
  return `CASE WHEN ${values.map((value) => `${value} IS NOT NULL`).join(" AND ")} THEN [${values.join(", ")}] END`;
}

/** Public tables have no subjects: their quantiles stay as they are. */
function roundedSql(query: SafeQuery, item: QuantileItem): string {
  if (query.subjects.length === 0) return `v${item.name}`;
  const { name, one } = item;
  return middleSql({ units: `u${name}`, width: `z${name}`, column: one.argument!.type, type: typeOf(item) });
}

/** Width of the bin in units: the same for all classes of subjects. NULL where no bin holds enough of each. */
function itemWidthSql(query: SafeQuery, item: QuantileItem): string {
  const levels = query.subjects.map((_, c) => `l${c}_${item.name}`);
  const known = levels.map((level) => `${level} IS NOT NULL`).join(" AND ");
  return `CASE WHEN ${known} THEN ${widthSql(`greatest(${levels.join(", ")})`)} END`;
}
