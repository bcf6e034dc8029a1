import { isDecimal, isFloating, type Aggregate, type SafeQuery } from "../gate/index.ts";
import { spreadPart, spreadSql } from "./spread.ts";
import { rowSql, type Named } from "./names.ts";
import { isStatistic, statisticValueSql } from "./statistic-value.ts";
import { amountSql, both, filterOf, filterSql, REST_SCALE, totals, type Part } from "./part.ts";

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
  const bounds = { ...part.bounds!, cell: without(part.bounds!.cell) };
  return { ...part, group: without(part.group), cell: without(part.cell), bounds };
}

function countPart(aggregate: Aggregate, p: number): Part {
  const { row, holds, only } = filterOf(aggregate, p);
  const n = `n${p}`;
  const isValues = aggregate.kind === "values" || isStatistic(aggregate);
  const counts = isValues ? both(holds, `x${p} IS NOT NULL`) : holds;
  const sql = `count(${isValues ? `x${p}` : "*"})${only}`;
  return {
    row: isValues ? [...row, [`x${p}`, valueOfRow(aggregate)]] : row,
    group: [[n, sql]],
    size: `CAST(${n} AS DOUBLE)`,
    cell: [[n, `sum(${n})`]],
    isMagnitude: false,
    bounds: {
      cell: [[n, sql]],
      derived: [],
      call: (subject, room) => `sluice_count_${room}(${subject})${counts === "TRUE" ? "" : ` FILTER (${counts})`}`,
      unit: "1",
    },
  };
}

function valueOfRow(aggregate: Aggregate): string {
  return isStatistic(aggregate) ? statisticValueSql(aggregate) : rowSql(aggregate.argument!);
}

/** Integers and decimals: their sums are exact as they are. */
function exactPart(aggregate: Aggregate, p: number): Part {
  const { row, only } = filterOf(aggregate, p);
  const [n, c, v, x] = [`n${p}`, `c${p}`, `v${p}`, `x${p}`];
  const { type, kind } = aggregate.argument!;
  const group = summed([n, `count(${x})`], [c, "count(*)"], [v, `sum(${x})`]).map(([name, sql]): Named => [
    name,
    `${sql}${only}`,
  ]);
  return {
    row: [...row, [x, amountSql(aggregate.argument!)]],
    group,
    size: `CAST(${v} AS DOUBLE)`,
    cell: totals(n, c, v),
    isMagnitude: kind !== "constant",
    bounds: { cell: group, derived: [], call: amountsCall(x, only), unit: `1e${scaleOf(type)}` },
  };
}

function doublePart(aggregate: Aggregate, p: number): Part {
  const { row, only } = filterOf(aggregate, p);
  const [n, c, h, l, x] = [`n${p}`, `c${p}`, `h${p}`, `l${p}`, `x${p}`];
  const group = summed([n, `count(${h})`], [c, "count(*)"], [h, `sum(${h})`], [l, `sum(${l})`]);
  const said = `b0_${p}`;
  const double = `CAST(${amountSql(aggregate.argument!)} AS DOUBLE)`;
  return {
    row: [...row, [x, double], ...doubleColumns(double, [h, l])],
    group: group.map(([name, sql]) => [name, `${sql}${only}`]),
    size: `(CAST(${h} AS DOUBLE) + CAST(${l} AS DOUBLE) / ${REST_SCALE})`,
    cell: totals(n, c, h, l),
    isMagnitude: aggregate.argument!.kind !== "constant",
    bounds: {
      cell: [[c, `count(*)${only}`]],
      derived: [
        [n, `${said}.n`],
        [h, `CASE WHEN ${said}.n > 0 THEN ${said}.nearest END`],
        [l, `CASE WHEN ${said}.n > 0 THEN ${said}.rest END`],
      ],
      call: amountsCall(x, only),
      unit: REST_SCALE,
    },
  };
}

/** A double in two integers. The least integer has no absolute value; TRY_CAST answers NULL beyond, and for infinities and NaN. */
function doubleColumns(x: string, [h, l]: readonly [string, string]): Named[] {
  return [
    [h, `nullif(TRY_CAST(round(${x}) AS BIGINT), -9223372036854775808)`],
    [l, `TRY_CAST((${x} - round(${x})) * ${REST_SCALE} AS BIGINT)`],
  ];
}

function amountsCall(x: string, only: string): (subject: string, room: number) => string {
  return (subject, room) => `sluice_amounts_${room}(${subject}, ${x})${only}`;
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
  const scale = scaleOf(type);
  if (scale === 0) return { sum: v, dividend: `CAST(${v} AS DOUBLE)`, unit: "1" };
  const unscaled = `CAST(CAST(replace(CAST(${v} AS VARCHAR), '.', '') AS HUGEINT) AS DOUBLE)`;
  return { sum: v, dividend: unscaled, unit: `1e${scale}` };
}

function scaleOf(type: string): number {
  return isDecimal(type) ? Number(/,(\d+)\)/.exec(type)![1]) : 0;
}
