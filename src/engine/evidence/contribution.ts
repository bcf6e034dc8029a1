import { isDecimal, isFloating, type Aggregate } from "../gate/index.ts";
import { rowSql } from "./names.ts";

/**
 * How one aggregate travels through the evidence query: what a row contributes (x…), what that makes per subject (v…)
 * and per cell. Sums of doubles are taken exactly, in two integer parts, so that they do not depend on the order in
 * which threads meet the rows: the whole number, and the rest times 2^62.
 */
export interface Contribution {
  /** Columns of a row: name and SQL. */
  row: [name: string, sql: string][];
  /** Columns per (cell, subject). */
  subject: [name: string, sql: string][];
  /** The same when every subject has one row. */
  single: [name: string, sql: string][];
  /** Size of a subject's contribution, over the columns per subject; 0 is neutral. */
  size: string;
  /** Released value over the columns of the first subject class's cells. */
  value: string;
  /** Columns per cell that `value` needs beyond the standard ones: name and SQL over columns per subject. */
  cell: [name: string, sql: string][];
}

const REST_SCALE = "4611686018427387904.0";

export function contributionOf(aggregate: Aggregate, index: number): Contribution {
  const isSum = aggregate.kind === "sum" || aggregate.kind === "avg";
  if (!isSum) return countContribution(aggregate, index);
  return isFloating(aggregate.argument!.type)
    ? doubleContribution(aggregate, index)
    : exactContribution(aggregate, index);
}

/** Integers and decimals: their sums are exact as they are. */
function exactContribution(aggregate: Aggregate, index: number): Contribution {
  const [f, n, c, v, x] = [`f${index}`, `n${index}`, `c${index}`, `v${index}`, `x${index}`];
  const { type } = aggregate.argument!;
  return {
    row: [[x, rowSql(aggregate.argument!)]],
    subject: [
      [n, `count(${x}) FILTER (${f})`],
      [c, `count(*) FILTER (${f})`],
      [v, `sum(${x}) FILTER (${f})`],
    ],
    single: [one(n, f, x), one(c, f), [v, `CASE WHEN ${f} THEN ${x} END`]],
    size: `CAST(${v} AS DOUBLE)`,
    cell: summed(n, c, v),
    value: valueOf(aggregate, index, exactParts(v, type)),
  };
}

function doubleContribution(aggregate: Aggregate, index: number): Contribution {
  const [f, n, c, h, l] = [`f${index}`, `n${index}`, `c${index}`, `h${index}`, `l${index}`];
  const double = `CAST(${rowSql(aggregate.argument!)} AS DOUBLE)`;
  const inRange = `abs(${double}) < ${REST_SCALE}`;
  const joined = `(CAST(${h} AS DOUBLE) + CAST(${l} AS DOUBLE) / ${REST_SCALE})`;
  return {
    row: [
      [h, `CASE WHEN ${inRange} THEN CAST(round(${double}) AS BIGINT) END`],
      [l, `CASE WHEN ${inRange} THEN CAST((${double} - round(${double})) * ${REST_SCALE} AS BIGINT) END`],
    ],
    subject: [
      [n, `count(${h}) FILTER (${f})`],
      [c, `count(*) FILTER (${f})`],
      [h, `sum(${h}) FILTER (${f})`],
      [l, `sum(${l}) FILTER (${f})`],
    ],
    single: [one(n, f, h), one(c, f), [h, `CASE WHEN ${f} THEN ${h} END`], [l, `CASE WHEN ${f} THEN ${l} END`]],
    size: joined,
    cell: summed(n, c, h, l),
    value: valueOf(aggregate, index, { sum: joined, dividend: joined, unit: "1" }),
  };
}

function summed(...columns: string[]): [string, string][] {
  return columns.map((name) => [name, `sum(${name})`]);
}

/** 1 when the row counts. */
function one(name: string, filter: string, value?: string): [string, string] {
  const holds = value === undefined ? filter : `${filter} AND ${value} IS NOT NULL`;
  return [name, `CASE WHEN ${holds} THEN 1 ELSE 0 END`];
}

function countContribution(aggregate: Aggregate, index: number): Contribution {
  const f = `f${index}`;
  const n = `n${index}`;
  const counts = aggregate.kind === "values" ? `count(x${index})` : "count(*)";
  return {
    row: aggregate.kind === "values" ? [[`x${index}`, rowSql(aggregate.argument!)]] : [],
    subject: [[n, `${counts} FILTER (${f})`]],
    single: [aggregate.kind === "values" ? one(n, f, `x${index}`) : one(n, f)],
    size: `CAST(${n} AS DOUBLE)`,
    cell: [[n, `sum(${n})`]],
    value: `CAST(coalesce(${n}, 0) AS ${aggregate.type})`,
  };
}

interface Parts {
  sum: string;
  /** What avg divides, and by how much its unit must be divided too: as DuckDB does it, so that results are equal. */
  dividend: string;
  unit: string;
}

function exactParts(v: string, type: string): Parts {
  const scale = isDecimal(type) ? Number(/,(\d+)\)/.exec(type)![1]) : 0;
  if (scale === 0) return { sum: v, dividend: `CAST(${v} AS DOUBLE)`, unit: "1" };
  const unscaled = `CAST(CAST(replace(CAST(${v} AS VARCHAR), '.', '') AS HUGEINT) AS DOUBLE)`;
  return { sum: v, dividend: unscaled, unit: `1e${scale}` };
}

function valueOf(aggregate: Aggregate, index: number, parts: Parts): string {
  const rows = "row_count";
  if (aggregate.kind === "sum") {
    const sum = `CAST(${parts.sum} AS ${aggregate.type})`;
    return aggregate.elseZero ? `CASE WHEN ${rows} > 0 THEN coalesce(${sum}, CAST(0 AS ${aggregate.type})) END` : sum;
  }
  const counted = aggregate.elseZero ? `(n${index} + ${rows} - c${index})` : `n${index}`;
  const dividend = aggregate.elseZero ? `coalesce(${parts.dividend}, 0)` : parts.dividend;
  return `(${dividend} / nullif(CAST(${counted} AS DOUBLE) * ${parts.unit}, 0))`;
}
