import type { EgressProfile } from "#contract/profile.ts";
import { isFloating, isInteger, type Aggregate, type Expression } from "../gate/index.ts";

/** How a profile rounds (R16). */
export type Rounding = NonNullable<EgressProfile["rounding"]>;

/**
 * The value of a cell as it may leave, `value` being its SQL: counts as multiples of a base, sums, means and deviations
 * with few significant digits. A sum or share of a constant is a count in disguise and is rounded as the counts that it
 * is made of. Keeps the type; NULL stays NULL. Each value is rounded by itself, so that equal cells of different
 * tables show equal numbers, whatever stands around them.
 */
export function roundedSql(aggregate: Aggregate, value: string, rounding: Rounding): string {
  const { kind, type, argument } = aggregate;
  const base = rounding.counts.value;
  // a quantile is a bin that enough subjects share (R10), which nothing makes coarser
  if (kind === "quantile") return value;
  const isCount = kind === "rows" || kind === "values" || kind === "subjects" || kind === "distinct";
  if (isCount || (kind === "moments" && isInteger(type))) {
    return `CAST(${countSql(value, base)} AS ${type})`;
  }
  const constant = constantOf(argument);
  if (constant === undefined) return amountSql(aggregate, value, rounding);
  // a mean of a constant over the rows that have it is that constant
  if (constant === 0 || (kind !== "sum" && !aggregate.elseZero)) return value;
  if (kind === "sum") return constantSumSql(aggregate, value, { base, constant });
  const part = countSql(timesSql(`${value} * row_count`, constant), base);
  const share = `${constant} * CAST(${part} AS DOUBLE) / nullif(${countSql("row_count", base)}, 0)`;
  return digitsSql(share, type, rounding.meanDigits.value);
}

/**
 * A measure. With an offset (`sum(x + 1000)`) the sum also counts its rows, which would stand out when the amounts are
 * small: it is first brought to multiples of as many offsets as counts are rounded to.
 */
function amountSql({ kind, type, argument, elseZero }: Aggregate, value: string, rounding: Rounding): string {
  const step = Math.abs(argument ? offsetOf(argument) : 0) * rounding.counts.value;
  const near = (total: string): string => (step > 0 ? `round(CAST(${total} AS DOUBLE) / ${step}) * ${step}` : total);
  if (kind === "sum") return digitsSql(near(value), type, rounding.sumDigits.value);
  const isShare = step > 0 && elseZero;
  const rows = countSql("row_count", rounding.counts.value);
  const mean = isShare ? `${near(`${value} * row_count`)} / nullif(${rows}, 0)` : value;
  return digitsSql(mean, type, rounding.meanDigits.value);
}

function constantOf(argument: Expression | undefined): number | undefined {
  const part = argument?.kind === "cast" ? argument.child : argument;
  return part?.kind === "constant" && part.value !== null ? Number(part.value) : undefined;
}

/** What an amount is when all its measures are 0. */
function offsetOf(expression: Expression): number {
  if (expression.kind === "cast") return offsetOf(expression.child);
  if (expression.kind === "constant") return Number(expression.value);
  if (expression.kind !== "call" || expression.children.length !== 2) return 0;
  const [left, right] = expression.children.map(offsetOf) as [number, number];
  switch (expression.name) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    default:
      return right === 0 ? 0 : left / right;
  }
}

/** The nearest multiple of a base to a whole number that is not negative; half up. */
export function countSql(value: string, base: number): string {
  return `((${value}) + ${Math.floor(base / 2)}) // ${base} * ${base}`;
}

/** Decimal digits, exactly: what is written with so many digits is read again as itself. */
export function digitsSql(value: string, type: string, digits: number): string {
  const text = `format('{:.${digits - 1}e}', CAST(${value} AS DOUBLE))`;
  return `TRY_CAST(${text} AS ${type})`;
}

function constantSumSql(
  { type, argument }: Aggregate,
  value: string,
  { base, constant }: { base: number; constant: number },
): string {
  const count = countSql(timesSql(value, constant), base);
  const isWhole = isInteger(argument!.type) || Number.isInteger(constant);
  if (isWhole && !isFloating(type)) return `TRY_CAST(${count} * CAST(${constant} AS HUGEINT) AS ${type})`;
  return `TRY_CAST(CAST(${count} AS DOUBLE) * ${constant} AS ${type})`;
}

/** How many times a constant was added up. */
function timesSql(total: string, constant: number): string {
  return `TRY_CAST(round(CAST(${total} AS DOUBLE) / ${constant}) AS HUGEINT)`;
}
