import type { Aggregate } from "../gate/index.ts";
import type { Named } from "./names.ts";
import { amountSql, filterOf, REST_SCALE, totals, type Part } from "./part.ts";

/** Beyond this size a value's square has no exact sum: it counts as missing. */
const MOST = "2147483648.0";

const sumOf = (h: string, l: string): string => `(CAST(${h} AS DOUBLE) + CAST(${l} AS DOUBLE) / ${REST_SCALE})`;

/**
 * Variance family (R11): sums of values and of squares, exact like other sums. What a subject contributes is its sum
 * of squared deviations from the mean of its cell; deviations that are rounding alone are 0.
 */
export function spreadPart(aggregate: Aggregate, p: number): Part {
  const { row, only } = filterOf(aggregate, p);
  const double = `CAST(${amountSql(aggregate.argument!)} AS DOUBLE)`;
  const inRange = `abs(${double}) < ${MOST}`;
  const parts: [string, string, string][] = [
    [`h${p}`, `l${p}`, double],
    [`y${p}`, `z${p}_l`, `(${double} * ${double})`],
  ];
  const columns = parts.flatMap(([h, l]) => [h, l]);
  const size = `dev${p}`;
  return {
    row: [
      ...row,
      ...parts.flatMap(([h, l, x]): Named[] => [
        [h, `CASE WHEN ${inRange} THEN CAST(round(${x}) AS BIGINT) END`],
        [l, `CASE WHEN ${inRange} THEN CAST((${x} - round(${x})) * ${REST_SCALE} AS BIGINT) END`],
      ]),
    ],
    group: [[`n${p}`, `count(h${p})${only}`], ...columns.map((name): Named => [name, `sum(${name})${only}`])],
    size,
    cell: totals(`n${p}`, ...columns),
    within: (keys) => [[size, deviationSql(p, keys)]],
    isMagnitude: true,
  };
}

function deviationSql(p: number, keys: readonly string[]): string {
  const over = keys.length > 0 ? `OVER (PARTITION BY ${keys.join(", ")})` : "OVER ()";
  const mean = `(${sumOf(`sum(h${p}) ${over}`, `sum(l${p}) ${over}`)} / nullif(CAST(sum(n${p}) ${over} AS DOUBLE), 0))`;
  const squares = sumOf(`y${p}`, `z${p}_l`);
  const own = `(${squares} - 2 * ${mean} * ${sumOf(`h${p}`, `l${p}`)} + n${p} * ${mean} * ${mean})`;
  return `CASE WHEN abs(${own}) > 1e-9 * ${squares} THEN abs(${own}) ELSE 0 END`;
}

export function spreadSql(spread: NonNullable<Aggregate["spread"]>, p: number): string {
  const n = `CAST(n${p} AS DOUBLE)`;
  const sum = sumOf(`h${p}`, `l${p}`);
  const squared = `greatest(${sumOf(`y${p}`, `z${p}_l`)} - ${sum} * ${sum} / nullif(${n}, 0), 0)`;
  const variance = `(${squared} / nullif(${spread.endsWith("samp") ? `${n} - 1` : n}, 0))`;
  // greatest() passes over NULL: no values, no variance.
  const value = `CASE WHEN n${p} > 0 THEN ${variance} END`;
  return spread.startsWith("stddev") ? `sqrt(${value})` : value;
}
