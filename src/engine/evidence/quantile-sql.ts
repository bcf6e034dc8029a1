import type { Aggregate, SafeQuery } from "../gate/index.ts";
import { isBinnedSql, middleSql, unitsSql } from "./bins.ts";
import { perCellSql, type CellTable } from "./cell-rows.ts";
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

/** Per cell: its keys, the exact quantiles (v), and these in units (u; NULL beyond what has bins). */
export function quantilesSql({ query, table }: CellTable): string {
  const items = quantileItems(query);
  const rows = aggregatesOf(items).map((i): Named => [`x${i}`, rowValueSql(query.aggregates[i]!)]);
  const values = items.map((item): Named => [`v${item.name}`, exactSql(item)]);
  const units = items.map((item): Named => {
    const sql = unitsSql(`v${item.name}`, item.one.argument!.type, typeOf(item));
    return [`u${item.name}`, `CASE WHEN ${isBinnedSql(sql)} THEN ${sql} END`];
  });
  return `SELECT *, ${list(units)} FROM (${perCellSql(query, { table, columns: rows }, values)})`;
}

export function aggregatesOf(items: readonly QuantileItem[]): number[] {
  return [...new Set(items.map((item) => item.aggregate))];
}

/** The value of a row, where the filter holds. */
export function rowValueSql(one: Aggregate): string {
  const filter = filterSql(one);
  return when(filter === "" ? "TRUE" : filter, statisticValueSql(one));
}

function exactSql({ aggregate, point, one }: QuantileItem): string {
  const { discrete, descending } = one.quantile!;
  const order = descending ? "DESC" : "ASC";
  return `percentile_${discrete ? "disc" : "cont"}(${point}) WITHIN GROUP (ORDER BY x${aggregate} ${order})`;
}

/** The result of one aggregate over its exact quantiles and the widths of their bins (z): the middles of the bins. */
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
