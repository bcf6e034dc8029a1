import {
  isDecimal,
  isFloating,
  isInteger,
  someExpression,
  type Aggregate,
  type Expression,
  type SafeQuery,
} from "../gate/index.ts";
import { conditionSql, isAlways, rowSql, type Named } from "./names.ts";

/**
 * What subjects contribute, once for all aggregates that share it: sum(x) and avg(x) under one filter have one part.
 * Sums of doubles are taken exactly, in two integer parts, so that they do not depend on the order in which threads
 * meet the rows: the whole number, and the rest times 2^62.
 */
export interface Part {
  /** Columns of a row. */
  row: Named[];
  /** Columns per cell and subject, or per cell and group of subjects. */
  group: Named[];
  /** The same when every row is another subject's. */
  single: Named[];
  /** Size of a contribution, over the columns per subject; 0 is neutral. */
  size: string;
  /** Columns per cell over those of the groups. */
  cell: Named[];
  /** Whether a row contributes at all, and something other than 0: SQL over columns of a row. */
  counts: string;
  weighs: string;
  /** Upper bound of what any one subject of a group contributes in size: SQL over a group's columns, and the columns it needs. */
  most: string;
  bounds: Named[];
  /** Whether amounts of both signs may stand in a group, so that they can cancel each other: SQL over its columns. */
  mayCancel: string;
  /** Modal contributions and dominance mean something only for sums and means. */
  isMagnitude: boolean;
}

export interface Parts {
  parts: Part[];
  /** Part of each aggregate. */
  of: number[];
}

export const REST_SCALE = "4611686018427387904.0";

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
  const argument = aggregate.argument ? `${aggregate.argument.type} ${rowSql(aggregate.argument)}` : "";
  return JSON.stringify([kind, argument, filterSql(aggregate)]);
}

function filterSql(aggregate: Aggregate): string {
  return isAlways(aggregate.filter) ? "" : `(${conditionSql(aggregate.filter)}) IS TRUE`;
}

function partOf(aggregate: Aggregate, p: number, hasRows: boolean): Part {
  if (!isSum(aggregate)) return countPart(aggregate, p);
  const part = isFloating(aggregate.argument!.type) ? doublePart(aggregate, p) : exactPart(aggregate, p);
  if (hasRows) return part;
  const without = (columns: Named[]): Named[] => columns.filter(([name]) => name !== `c${p}`);
  return { ...part, group: without(part.group), single: without(part.single), cell: without(part.cell) };
}

/** The filter as a column of a row, when there is one, and how it is used. */
function filterOf(aggregate: Aggregate, p: number): { row: Named[]; holds: string; only: string } {
  const sql = filterSql(aggregate);
  if (sql === "") return { row: [], holds: "TRUE", only: "" };
  return { row: [[`f${p}`, sql]], holds: `f${p}`, only: ` FILTER (f${p})` };
}

function countPart(aggregate: Aggregate, p: number): Part {
  const { row, holds, only } = filterOf(aggregate, p);
  const n = `n${p}`;
  const isValues = aggregate.kind === "values";
  const counts = isValues ? both(holds, `x${p} IS NOT NULL`) : holds;
  return {
    row: isValues ? [...row, [`x${p}`, rowSql(aggregate.argument!)]] : row,
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

function both(left: string, right: string): string {
  return left === "TRUE" ? right : `${left} AND ${right}`;
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

/** Decimals that overflow in the row's own arithmetic count as missing instead of ending the query. */
function amountSql(argument: Expression): string {
  const sql = rowSql(argument);
  return someExpression(argument, (one) => one.kind === "call" && one.mayOverflow) ? `TRY(${sql})` : sql;
}

function doublePart(aggregate: Aggregate, p: number): Part {
  const { row, holds, only } = filterOf(aggregate, p);
  const [n, c, h, l] = [`n${p}`, `c${p}`, `h${p}`, `l${p}`];
  const double = `CAST(${amountSql(aggregate.argument!)} AS DOUBLE)`;
  const inRange = `abs(${double}) < ${REST_SCALE}`;
  const size = `(CAST(${h} AS DOUBLE) + CAST(${l} AS DOUBLE) / ${REST_SCALE})`;
  const isMagnitude = aggregate.argument!.kind !== "constant";
  return {
    row: [
      ...row,
      [h, `CASE WHEN ${inRange} THEN CAST(round(${double}) AS BIGINT) END`],
      [l, `CASE WHEN ${inRange} THEN CAST((${double} - round(${double})) * ${REST_SCALE} AS BIGINT) END`],
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

function totals(...columns: string[]): Named[] {
  return columns.map((name) => [name, `sum(${name})`]);
}

function when(holds: string, value: string): string {
  return holds === "TRUE" ? value : `CASE WHEN ${holds} THEN ${value} END`;
}

function oneWhen(name: string, holds: string): Named {
  return [name, holds === "TRUE" ? "1" : `CASE WHEN ${holds} THEN 1 ELSE 0 END`];
}

/** The released value of an aggregate, over the columns of its cell. */
export function valueSql(aggregate: Aggregate, p: number): string {
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
