import type { Aggregate, SafeQuery } from "../gate/index.ts";
import { cellRowsSql, type CellTable } from "./cell-rows.ts";
import { list } from "./cells-sql.ts";
import { rowSql, type Named } from "./names.ts";
import { both, filterSql, REST_SCALE, when } from "./part.ts";
import { inRange, measuresSql } from "./statistic-value.ts";

/** Two measures under one filter, and the aggregates over them. */
export interface Pair {
  /** Suffix of its columns. */
  m: number;
  one: Aggregate;
  aggregates: number[];
}

export function pairsOf(query: SafeQuery): Pair[] {
  const pairs = new Map<string, Pair>();
  for (const [i, one] of query.aggregates.entries()) {
    if (one.kind !== "moments") continue;
    const key = JSON.stringify([rowSql(one.argument!), rowSql(one.second!), filterSql(one)]);
    const known = pairs.get(key);
    if (known) known.aggregates.push(i);
    else pairs.set(key, { m: pairs.size, one, aggregates: [i] });
  }
  return [...pairs.values()];
}

/** What is summed over the rows of a pair, exactly: the whole number, and the rest times 2^62 (`parts.ts`). */
const SUMMED = ["x", "y", "xx", "yy", "xy"] as const;

/**
 * Rows with their pairs, as far as these count. Squares and products of values below 2^31 fit in 62 bits.
 */
function rowsSql({ query, table }: CellTable, pairs: readonly Pair[]): string {
  const columns = pairs.flatMap(({ m, one }): Named[] => {
    const filter = filterSql(one);
    const holds = both(filter === "" ? "TRUE" : filter, inRange(one));
    const [x, y] = measuresSql(one);
    return [
      [`x${m}`, when(holds, x)],
      [`y${m}`, when(holds, y)],
    ];
  });
  const split = pairs.flatMap(({ m }) =>
    SUMMED.flatMap((name): Named[] => {
      const value = name
        .split("")
        .map((letter) => `${letter}${m}`)
        .join(" * ");
      return [
        [`${name}${m}_h`, `CAST(round(${value}) AS BIGINT)`],
        [`${name}${m}_l`, `CAST((${value} - round(${value})) * ${REST_SCALE} AS BIGINT)`],
      ];
    }),
  );
  return `SELECT *, ${list(split)} FROM (${cellRowsSql(query, { table, columns })})`;
}

function sums(pairs: readonly Pair[]): Named[] {
  return pairs.flatMap(({ m }): Named[] => [
    [`n${m}`, `sum(CASE WHEN x${m} IS NULL THEN 0 ELSE 1 END)`],
    ...SUMMED.map((name): Named => {
      const [whole, rest] = [`sum(${name}${m}_h)`, `sum(${name}${m}_l)`];
      return [`s${name}${m}`, `(CAST(${whole} AS DOUBLE) + CAST(${rest} AS DOUBLE) / ${REST_SCALE})`];
    }),
  ]);
}

/** Per cell: pairs (n), means of x and y, and sums of squared deviations (dxx, dyy) and of their products (dxy). */
export function momentsSql(input: CellTable): string {
  const pairs = pairsOf(input.query);
  const totals = `SELECT cell, ${list(sums(pairs))} FROM (${rowsSql(input, pairs)}) GROUP BY cell`;
  const columns = pairs.flatMap(({ m }): Named[] => {
    const n = `nullif(n${m}, 0)`;
    return [
      [`n${m}`, `n${m}`],
      [`mx${m}`, `sx${m} / ${n}`],
      [`my${m}`, `sy${m} / ${n}`],
      [`dxx${m}`, `greatest(sxx${m} - sx${m} * sx${m} / ${n}, 0)`],
      [`dyy${m}`, `greatest(syy${m} - sy${m} * sy${m} / ${n}, 0)`],
      [`dxy${m}`, `sxy${m} - sx${m} * sy${m} / ${n}`],
    ];
  });
  return `SELECT cell, ${list(columns)} FROM (${totals})`;
}

/** Sizes of what a subject contributes to a pair: squared deviations of x and of y, and products of deviations. */
export const SIZES = ["xx", "yy", "xy"] as const;

/** Per cell and subject of class c: the sizes of what it contributes, over a table that `momentsSql` has made. */
export function deviationsSql(input: CellTable, { c, moments }: { c: number; moments: string }): string {
  const pairs = pairsOf(input.query);
  const own = sums(pairs);
  const subjects = `SELECT cell, ${list(own)} FROM (${rowsSql(input, pairs)}) WHERE s${c} IS NOT NULL GROUP BY cell, s${c}`;
  const columns = pairs.flatMap(({ m }): Named[] => [
    [`n${m}`, `u.n${m}`],
    ...SIZES.map((size): Named => [`${size}${m}`, sizeSql(size, m)]),
  ]);
  return `SELECT u.cell, ${list(columns)} FROM (${subjects}) AS u JOIN ${moments} AS t ON u.cell = t.cell`;
}

/** Deviations that are rounding alone are 0. */
function sizeSql(size: (typeof SIZES)[number], m: number): string {
  const [a, b] = size.split("");
  const sum = (name: string): string => `u.s${name}${m}`;
  const [meanA, meanB] = [`t.m${a!}${m}`, `t.m${b!}${m}`];
  const own = `abs(${sum(size)} - ${meanA} * ${sum(b!)} - ${meanB} * ${sum(a!)} + u.n${m} * ${meanA} * ${meanB})`;
  const least = `1e-9 * sqrt(${sum(a! + a!)} * ${sum(b! + b!)})`;
  return `CASE WHEN ${own} > ${least} THEN ${own} ELSE 0 END`;
}

/** Per cell: subjects with a pair, and of each size those who are not neutral, the total, the two largest and how many differ. */
export function pairEvidenceSql(query: SafeQuery, deviations: string): string {
  const columns = pairsOf(query).flatMap(({ m }): Named[] => {
    const counted = `FILTER (n${m} > 0)`;
    return [
      [`n${m}`, `count(*) ${counted}`],
      ...SIZES.flatMap((name): Named[] => {
        const size = `${name}${m}`;
        return [
          [`nonneutral_${size}`, `count(*) FILTER (n${m} > 0 AND ${size} <> 0)`],
          [`total_${size}`, `sum(${size}) ${counted}`],
          [`top_${size}`, `max(${size}, 2) ${counted}`],
          [`kinds_${size}`, `bit_count(coalesce(bit_or(1::BIGINT << (hash(${size}) % 63)::INTEGER) ${counted}, 0))`],
          [`same_${size}`, `min(${size}) ${counted} IS NOT DISTINCT FROM max(${size}) ${counted}`],
        ];
      }),
    ];
  });
  const tops = pairsOf(query).flatMap(({ m }) =>
    SIZES.map((name) => `top_${name}${m}[1] AS first_${name}${m}, top_${name}${m}[2] AS second_${name}${m}`),
  );
  return `SELECT *, ${tops.join(", ")} FROM (SELECT cell, ${list(columns)} FROM ${deviations} GROUP BY cell)`;
}

/** Per cell: subjects whose contribution is not the most frequent one. */
export function offModeSql(deviations: string, size: string, m: number): string {
  const kinds = `SELECT cell, ${size}${m}, count(*) AS k FROM ${deviations} WHERE n${m} > 0 GROUP BY ALL`;
  return `SELECT cell, sum(k) - max(k) AS off FROM (${kinds}) GROUP BY cell`;
}

/** The value of one aggregate over the columns of `momentsSql`: as DuckDB defines it. */
export function momentsValueSql({ moments, type }: Aggregate, m: number): string {
  const [n, xx, yy, xy] = [`n${m}`, `dxx${m}`, `dyy${m}`, `dxy${m}`];
  const slope = `${xy} / nullif(${xx}, 0)`;
  const fit = `least(${xy} * ${xy} / nullif(${xx} * ${yy}, 0), 1)`;
  const values: Record<NonNullable<Aggregate["moments"]>, string> = {
    covar_pop: `${xy} / nullif(${n}, 0)`,
    covar_samp: `${xy} / nullif(${n} - 1, 0)`,
    corr: `greatest(least(${xy} / nullif(sqrt(${xx}) * sqrt(${yy}), 0), 1), -1)`,
    regr_slope: slope,
    regr_intercept: `my${m} - ${slope} * mx${m}`,
    regr_r2: `CASE WHEN ${xx} > 0 THEN CASE WHEN ${yy} > 0 THEN ${fit} ELSE 1 END END`,
    regr_sxx: xx,
    regr_syy: yy,
    regr_sxy: xy,
  };
  return `CAST(CASE WHEN ${n} > 0 THEN ${values[moments!]} END AS ${type})`;
}

/** How much of the spread of y the line explains, 0 … 1. */
export function fitSql(m: number): string {
  return `dxy${m} * dxy${m} / nullif(dxx${m} * dyy${m}, 0)`;
}
