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

/** Rows with the measures of their pairs (x, y), as far as these count. */
export function pairRowsSql({ query, table }: CellTable): string {
  const columns = pairsOf(query).flatMap(({ m, one }): Named[] => {
    const filter = filterSql(one);
    const holds = both(filter === "" ? "TRUE" : filter, inRange(one));
    const [x, y] = measuresSql(one);
    return [
      [`x${m}`, when(holds, x)],
      [`y${m}`, when(holds, y)],
    ];
  });
  return cellRowsSql(query, { table, columns });
}

/** Squares and products of values below 2^31 fit in 62 bits. */
function splitSql(pairs: readonly Pair[]): string {
  const columns = pairs.flatMap(({ m }) =>
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
  return list(columns);
}

function sums(pairs: readonly Pair[]): Named[] {
  return pairs.flatMap(({ m }): Named[] => [
    [`n${m}`, `count(x${m})`],
    ...SUMMED.map((name): Named => {
      const [whole, rest] = [`sum(${name}${m}_h)`, `sum(${name}${m}_l)`];
      return [`s${name}${m}`, `(CAST(${whole} AS DOUBLE) + CAST(${rest} AS DOUBLE) / ${REST_SCALE})`];
    }),
  ]);
}

const ROUNDING = "1e-12";
/** Root of 2^40. */
const ROOT = "1048576.0";

/**
 * Per cell: pairs (n), means of x and y, sums of squared deviations (dxx, dyy) and of their products (dxy), and what
 * makes deviations into roots of the parts that they have in the first two, in 2^-40: 0 where all values are equal (fx, fy).
 */
export function momentsSql(input: CellTable): string {
  const pairs = pairsOf(input.query);
  const rows = `SELECT *, ${splitSql(pairs)} FROM (${pairRowsSql(input)})`;
  const totals = `SELECT cell, ${list(sums(pairs))} FROM (${rows}) GROUP BY cell`;
  const columns = pairs.flatMap(({ m }): Named[] => {
    const n = `nullif(n${m}, 0)`;
    return [
      [`n${m}`, `n${m}`],
      [`mx${m}`, `sx${m} / ${n}`],
      [`my${m}`, `sy${m} / ${n}`],
      [`dxx${m}`, `greatest(sxx${m} - sx${m} * sx${m} / ${n}, 0)`],
      [`dyy${m}`, `greatest(syy${m} - sy${m} * sy${m} / ${n}, 0)`],
      [`dxy${m}`, `sxy${m} - sx${m} * sy${m} / ${n}`],
      // What is left of equal values is rounding.
      [`fx${m}`, `CASE WHEN dxx${m} > ${ROUNDING} * sxx${m} THEN ${ROOT} / sqrt(dxx${m}) ELSE 0 END`],
      [`fy${m}`, `CASE WHEN dyy${m} > ${ROUNDING} * syy${m} THEN ${ROOT} / sqrt(dyy${m}) ELSE 0 END`],
    ];
  });
  return `SELECT cell, ${list(columns)} FROM (${totals})`;
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
