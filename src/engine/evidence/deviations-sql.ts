import type { SafeQuery } from "../gate/index.ts";
import type { CellTable } from "./cell-rows.ts";
import { list } from "./cells-sql.ts";
import { pairRowsSql, pairsOf } from "./moments-sql.ts";
import type { Named } from "./names.ts";

/** Sizes of what a subject contributes to a pair: squared deviations of x and of y, and products of deviations. */
export const SIZES = ["xx", "yy", "xy"] as const;

/** Sums of whole numbers below 2^53 are exact in DOUBLE, whatever their order: deviations are counted in 2^-40 of all. */
export interface Contributions {
  /** Class of subjects. */
  c: number;
  /** Table that `momentsSql` has made. */
  moments: string;
  /** Condition on `s`, the subject, and `cell`. */
  where?: string;
}

/** Per row: the cell, the subject, and its part of each sum of a pair, as a whole number of 2^-40 of that sum. */
function rowsSql(input: CellTable, { c, moments, where = "TRUE" }: Contributions): string {
  const columns = pairsOf(input.query).flatMap(({ m }): Named[] => {
    const [x, y] = [`((x${m} - mx${m}) * fx${m})`, `((y${m} - my${m}) * fy${m})`];
    return [
      [`xx${m}`, `round(${x} * ${x})`],
      [`yy${m}`, `round(${y} * ${y})`],
      [`xy${m}`, `round(${x} * ${y})`],
    ];
  });
  return `SELECT cell, s, ${list(columns)} FROM (SELECT *, s${c} AS s FROM (${pairRowsSql(input)}))
    JOIN ${moments} USING (cell) WHERE s IS NOT NULL AND ${where}`;
}

/** Per cell and subject: the sizes of what it contributes, NULL where it has no pair. */
export function deviationsSql(input: CellTable, which: Contributions): string {
  const rows = rowsSql(input, which);
  const columns = sizesOf(input.query).map((size): Named => [size, `abs(${size})`]);
  const sums = columns.map(([name]): Named => [name, `abs(sum(${name}))`]);
  return `SELECT cell, ${list(sums)} FROM (${rows}) GROUP BY cell, s`;
}

function sizesOf(query: SafeQuery): string[] {
  return pairsOf(query).flatMap(({ m }) => SIZES.map((size) => `${size}${m}`));
}

/** Per cell: subjects with a pair, and of each size those who are not neutral, the total, the two largest and how many differ. */
export function subjectEvidenceSql(query: SafeQuery, deviations: string): string {
  const sizes = sizesOf(query);
  const columns = [
    ...pairsOf(query).map(({ m }): Named => [`n${m}`, `count(xx${m})`]),
    ...sizes.flatMap((size): Named[] => [
      [`nonneutral_${size}`, `count(*) FILTER (${size} <> 0)`],
      [`total_${size}`, `sum(${size})`],
      [`top_${size}`, `max(${size}, 2)`],
      [`kinds_${size}`, kindsSql(size)],
      [`same_${size}`, `min(${size}) IS NOT DISTINCT FROM max(${size})`],
    ]),
  ];
  return withTops(sizes, `SELECT cell, ${list(columns)} FROM (${deviations}) GROUP BY cell`);
}

function withTops(sizes: readonly string[], cells: string): string {
  const tops = sizes.map((size) => `top_${size}[1] AS first_${size}, top_${size}[2] AS second_${size}`);
  return `SELECT *, ${tops.join(", ")} FROM (${cells})`;
}

function kindsSql(size: string): string {
  const place = `1::BIGINT << CAST(hash(${size}) % 63 AS INTEGER)`;
  return `bit_count(coalesce(bit_or(${place}) FILTER (${size} IS NOT NULL), 0))`;
}

const GROUPS = 64;
/** Every n-th subject is looked at for itself: so many, that their total is some eighth of all. */
const SAMPLED = 8;

/**
 * The same as bounds, without a group for each subject: at least so many subjects and such totals, at most such largest. A
 * subject contributes no more than its group. What squares add up to is known; of products, whose signs may cancel, the
 * total of some subjects is at most the total of all.
 */
export function boundEvidenceSql(input: CellTable, which: Contributions): string {
  const { query } = input;
  const pairs = pairsOf(query);
  const sample = subjectEvidenceSql(query, deviationsSql(input, { ...which, where: `s % ${SAMPLED} = 0` }));
  const columns = [
    ...pairs.map(({ m }): Named => [`n${m}`, `sum(bit_count(b${m}))`]),
    ...pairs.flatMap(({ m }): Named[] =>
      (["xx", "yy"] as const).flatMap((size): Named[] => [
        [`nonneutral_${size}${m}`, `coalesce(sum(bit_count(b${size}${m})), 0)`],
        [`total_${size}${m}`, `sum(${size}${m})`],
      ]),
    ),
    ...sizesOf(query).map((size): Named => [`top_${size}`, `max(${size}, 2)`]),
  ];
  const bounds = withTops(
    sizesOf(query),
    `SELECT cell, ${list(columns)} FROM (${groupsSql(input, which)}) GROUP BY cell`,
  );
  const sampled = [
    ...sizesOf(query).flatMap((size) => [`kinds_${size}`, `same_${size}`]),
    ...pairs.flatMap(({ m }) => [`nonneutral_xy${m}`, `total_xy${m}`]),
  ];
  return `SELECT b.*, ${sampled.map((name) => `q.${name}`).join(", ")} FROM (${bounds}) AS b LEFT JOIN (${sample}) AS q ON b.cell = q.cell`;
}

function groupsSql(input: CellTable, which: Contributions): string {
  const place = `1::BIGINT << CAST((s // ${GROUPS}) % 63 AS INTEGER)`;
  const columns = pairsOf(input.query).flatMap(({ m }): Named[] => [
    [`b${m}`, `coalesce(bit_or(${place}) FILTER (xx${m} IS NOT NULL), 0)`],
    [`bxx${m}`, `bit_or(${place}) FILTER (xx${m} <> 0)`],
    [`byy${m}`, `bit_or(${place}) FILTER (yy${m} <> 0)`],
    [`xx${m}`, `sum(xx${m})`],
    [`yy${m}`, `sum(yy${m})`],
    [`xy${m}`, `sum(abs(xy${m}))`],
  ]);
  return `SELECT cell, ${list(columns)} FROM (${rowsSql(input, which)}) GROUP BY cell, s % ${GROUPS}`;
}

/** Per cell: subjects whose contribution is not the most frequent one. */
export function offModeSql(deviations: string, size: string): string {
  const kinds = `SELECT cell, ${size}, count(*) AS k FROM (${deviations}) WHERE ${size} IS NOT NULL GROUP BY ALL`;
  return `SELECT cell, sum(k) - max(k) AS off FROM (${kinds}) GROUP BY cell`;
}
