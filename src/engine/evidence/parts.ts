import { isDecimal, isFloating, isInteger, type Aggregate, type SafeQuery } from "../gate/index.ts";
import { spreadPart, spreadSql } from "./spread.ts";
import { isAlways, rowSql, type Named } from "./names.ts";
import { isStatistic, statisticValueSql } from "./statistic-value.ts";
import { amountSql, both, filterOf, filterSql, oneWhen, REST_SCALE, totals, when, type Part } from "./part.ts";

export interface Parts {
  parts: Part[];
  /** Part of each aggregate. */
  of: number[];
}

export function partsOf(query: SafeQuery): Parts {
  const places = new Map<string, number>();
  const parts: Part[] = [];
  const of = query.aggregates.map((aggregate) => {
    const key = partKey(aggregate);
    const known = places.get(key) ?? parts.length;
    if (known === parts.length) parts.push(partOf(aggregate, known, needsRows(query, key)));
    places.set(key, known);
    return known;
  });
  return { parts, of };
}

/** Rows outside the filter count only for means with `ELSE 0`. */
function needsRows(query: SafeQuery, key: string): boolean {
  return query.aggregates.some((one) => one.kind === "avg" && one.elseZero && partKey(one) === key);
}

function isSum(aggregate: Aggregate): boolean {
  return aggregate.kind === "sum" || aggregate.kind === "avg";
}

function partKey(aggregate: Aggregate): string {
  const kind = isSum(aggregate) ? "sum" : aggregate.kind;
  const [argument, second] = [aggregate.argument, aggregate.second].map((one) =>
    one ? `${one.type} ${rowSql(one)}` : "",
  );
  return JSON.stringify([kind, argument, second, filterSql(aggregate)]);
}

function partOf(aggregate: Aggregate, p: number, hasRows: boolean): Part {
  if (aggregate.kind === "spread") return spreadPart(aggregate, p);
  if (!isSum(aggregate)) return countPart(aggregate, p);
  const part = isFloating(aggregate.argument!.type) ? doublePart(aggregate, p) : exactPart(aggregate, p);
  if (hasRows) return part;
  const without = (columns: Named[]): Named[] => columns.filter(([name]) => name !== `c${p}`);
  return { ...part, group: without(part.group), single: without(part.single), cell: without(part.cell) };
}

function countPart(aggregate: Aggregate, p: number): Part {
  const { row, holds, only } = filterOf(aggregate, p);
  const n = `n${p}`;
  const isValues = aggregate.kind === "values" || isStatistic(aggregate);
  const counts = isValues ? both(holds, `x${p} IS NOT NULL`) : holds;
  return {
    row: isValues ? [...row, [`x${p}`, valueOfRow(aggregate)]] : row,
    group: [[n, `count(${isValues ? `x${p}` : "*"})${only}`]],
    single: [[n, isAlways(aggregate.filter) && !isValues ? "1" : `CASE WHEN ${counts} THEN 1 ELSE 0 END`]],
    size: `CAST(${n} AS DOUBLE)`,
    cell: [[n, `sum(${n})`]],
    counts,
    weighs: counts,
    most: `CAST(${n} AS DOUBLE)`,
    bounds: [],
    mayCancel: "FALSE",
    isMagnitude: false,
  };
}

function valueOfRow(aggregate: Aggregate): string {
  return isStatistic(aggregate) ? statisticValueSql(aggregate) : rowSql(aggregate.argument!);
}

/** Integers and decimals: their sums are exact as they are. */
function exactPart(aggregate: Aggregate, p: number): Part {
  const { row, holds, only } = filterOf(aggregate, p);
  const [n, c, v, x] = [`n${p}`, `c${p}`, `v${p}`, `x${p}`];
  const isMagnitude = aggregate.argument!.kind !== "constant";
  const size = `abs(${isInteger(aggregate.argument!.type) ? `CAST(${x} AS HUGEINT)` : x})`;
  return {
    row: [...row, [x, amountSql(aggregate.argument!)]],
    group: summed([n, `count(${x})`], [c, "count(*)"], [v, `sum(${x})`]).map(([name, sql]) => [name, `${sql}${only}`]),
    single: [oneWhen(n, both(holds, `${x} IS NOT NULL`)), oneWhen(c, holds), [v, when(holds, x)]],
    size: `CAST(${v} AS DOUBLE)`,
    cell: totals(n, c, v),
    counts: both(holds, `${x} IS NOT NULL`),
    weighs: both(holds, `${x} <> 0`),
    most: `CAST(m${p} AS DOUBLE)`,
    bounds: [[`m${p}`, `sum(${size})${only}`]],
    mayCancel: `${v} <> m${p}`,
    isMagnitude,
  };
}

function doublePart(aggregate: Aggregate, p: number): Part {
  const { row, holds, only } = filterOf(aggregate, p);
  const [n, c, h, l] = [`n${p}`, `c${p}`, `h${p}`, `l${p}`];
  const double = `CAST(${amountSql(aggregate.argument!)} AS DOUBLE)`;
  const size = `(CAST(${h} AS DOUBLE) + CAST(${l} AS DOUBLE) / ${REST_SCALE})`;
  const isMagnitude = aggregate.argument!.kind !== "constant";
  return {
    row: [
      ...row,
      // The least integer has no absolute value; TRY_CAST answers NULL beyond, and for infinities and NaN.
      [h, `nullif(TRY_CAST(round(${double}) AS BIGINT), -9223372036854775808)`],
      [l, `TRY_CAST((${double} - round(${double})) * ${REST_SCALE} AS BIGINT)`],
    ],
    group: summed([n, `count(${h})`], [c, "count(*)"], [h, `sum(${h})`], [l, `sum(${l})`]).map(([name, sql]) => [
      name,
      `${sql}${only}`,
    ]),
    single: [oneWhen(n, both(holds, `${h} IS NOT NULL`)), oneWhen(c, holds), [h, when(holds, h)], [l, when(holds, l)]],
    size,
    cell: totals(n, c, h, l),
    counts: both(holds, `${h} IS NOT NULL`),
    weighs: both(holds, `(${h} <> 0 OR ${l} <> 0)`),
    // |x| <= |whole part| + 1/2; exact where nothing is negative.
    most: `CASE WHEN neg${p} = 0 THEN abs(${size}) ELSE CAST(m${p} AS DOUBLE) + n${p} / 2.0 END`,
    bounds: [
      [`m${p}`, `sum(abs(${h}))${only}`],
      [`neg${p}`, `count(*) FILTER (${both(holds, `(${h} < 0 OR (${h} = 0 AND ${l} < 0))`)})`],
    ],
    mayCancel: `neg${p} > 0`,
    isMagnitude,
  };
}

function summed(...columns: Named[]): Named[] {
  return columns;
}

/** The released value of an aggregate, over the columns of its cell. */
export function valueSql(aggregate: Aggregate, p: number): string {
  if (aggregate.kind === "spread") return spreadSql(aggregate.spread!, p);
  // Filled in by `addStatistics`.
  if (isStatistic(aggregate)) return `CAST(NULL AS ${aggregate.type})`;
  if (!isSum(aggregate)) return `CAST(coalesce(n${p}, 0) AS ${aggregate.type})`;
  const { sum, dividend, unit } = isFloating(aggregate.argument!.type)
    ? doubleSum(p)
    : exactSum(p, aggregate.argument!.type);
  const rows = "row_count";
  if (aggregate.kind === "sum") {
    const typed = `CAST(${sum} AS ${aggregate.type})`;
    if (!aggregate.elseZero) return typed;
    return `CASE WHEN ${rows} > 0 THEN coalesce(${typed}, CAST(0 AS ${aggregate.type})) END`;
  }
  const counted = aggregate.elseZero ? `(n${p} + ${rows} - c${p})` : `n${p}`;
  const divided = aggregate.elseZero ? `coalesce(${dividend}, 0)` : dividend;
  return `(${divided} / nullif(CAST(${counted} AS DOUBLE) * ${unit}, 0))`;
}

interface Sum {
  sum: string;
  /** What avg divides, and by how much its unit must be divided too: as DuckDB does it, so that results are equal. */
  dividend: string;
  unit: string;
}

function doubleSum(p: number): Sum {
  const sum = `(CAST(h${p} AS DOUBLE) + CAST(l${p} AS DOUBLE) / ${REST_SCALE})`;
  return { sum, dividend: sum, unit: "1" };
}

function exactSum(p: number, type: string): Sum {
  const v = `v${p}`;
  const scale = isDecimal(type) ? Number(/,(\d+)\)/.exec(type)![1]) : 0;
  if (scale === 0) return { sum: v, dividend: `CAST(${v} AS DOUBLE)`, unit: "1" };
  const unscaled = `CAST(CAST(replace(CAST(${v} AS VARCHAR), '.', '') AS HUGEINT) AS DOUBLE)`;
  return { sum: v, dividend: unscaled, unit: `1e${scale}` };
}
