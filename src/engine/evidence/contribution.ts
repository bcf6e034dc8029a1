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
  const f = `f${index}`;
  const n = `n${index}`;
  if (aggregate.kind === "rows" || aggregate.kind === "values" || aggregate.kind === "subjects") {
    return countContribution(aggregate, index);
  }
  const sql = rowSql(aggregate.argument!);
  const floating = isFloating(aggregate.argument!.type);
  const v = `v${index}`;
  const counted: [string, string] = [n, `count(${floating ? `h${index}` : `x${index}`}) FILTER (${f})`];
  const matched: [string, string] = [`c${index}`, `count(*) FILTER (${f})`];
  const cell: [string, string][] = [[n, `sum(${n})`], [`c${index}`, `sum(c${index})`]];
  if (!floating) {
    return {
      row: [[`x${index}`, sql]],
      subject: [counted, matched, [v, `sum(x${index}) FILTER (${f})`]],
      single: [one(n, f, `x${index}`), one(`c${index}`, f), [v, `CASE WHEN ${f} THEN x${index} END`]],
      size: `CAST(${v} AS DOUBLE)`,
      cell: [...cell, [v, `sum(${v})`]],
      value: valueOf(aggregate, index, exactText(v, aggregate.argument!.type)),
    };
  }
  const [h, l] = [`h${index}`, `l${index}`];
  const double = `CAST(${sql} AS DOUBLE)`;
  const inRange = `abs(${double}) < ${REST_SCALE}`;
  const join = `(CAST(${h} AS DOUBLE) + CAST(${l} AS DOUBLE) / ${REST_SCALE})`;
  return {
    row: [
      [h, `CASE WHEN ${inRange} THEN CAST(round(${double}) AS BIGINT) END`],
      [l, `CASE WHEN ${inRange} THEN CAST((${double} - round(${double})) * ${REST_SCALE} AS BIGINT) END`],
    ],
    subject: [counted, matched, [h, `sum(${h}) FILTER (${f})`], [l, `sum(${l}) FILTER (${f})`]],
    single: [one(n, f, h), one(`c${index}`, f), [h, `CASE WHEN ${f} THEN ${h} END`], [l, `CASE WHEN ${f} THEN ${l} END`]],
    size: join,
    cell: [...cell, [h, `sum(${h})`], [l, `sum(${l})`]],
    value: valueOf(aggregate, index, { sum: join, dividend: join, unit: "1" }),
  };
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

function exactText(v: string, type: string): Parts {
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
