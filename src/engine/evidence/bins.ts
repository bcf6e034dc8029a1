import { isDecimal, isInteger } from "../gate/index.ts";

/**
 * Bins to which quantiles are rounded: widths of 1, 5, 10, 50, 100 … units from 0 on. Each width divides the next, so
 * every bin lies in one of each greater width, and no two of them overlap in less than the smaller. Values and bins are
 * whole numbers of units (1 for integers, the last decimal, or a millionth for doubles): nothing depends on rounding.
 */
const LEVELS = 37;
const WIDTHS = Array.from({ length: LEVELS }, (_, level) => 10n ** BigInt(level >> 1) * (level % 2 === 0 ? 1n : 5n));
/** Values from here on have no bin; some room is left below 2^63. */
const MOST_UNITS = "4000000000000000000";
const MOST_DECIMALS = 6;

/** Decimals of the unit of a type. */
function decimals(type: string): number {
  if (isInteger(type)) return 0;
  return isDecimal(type) ? Math.min(Number(/,(\d+)\)/.exec(type)![1]), MOST_DECIMALS) : MOST_DECIMALS;
}

/** A value of a column of `type` as whole units, in BIGINT: SQL. `from` is the type of the value itself. */
export function unitsSql(value: string, type: string, from: string = type): string {
  if (/^U?(TINYINT|SMALLINT|INTEGER)$/.test(from)) return `CAST(${value} AS BIGINT)`;
  if (isInteger(from)) return notNull(value, `CAST(${limited(`CAST(${value} AS HUGEINT)`)} AS BIGINT)`);
  const double = `CAST(${value} AS DOUBLE)`;
  const units = isInteger(type) ? `floor(${double})` : `round(${double} * 1e${decimals(type)})`;
  return notNull(value, `CAST(${limited(units)} AS BIGINT)`);
}

const limited = (sql: string): string => `greatest(least(${sql}, ${MOST_UNITS}), -${MOST_UNITS})`;

/** least() and greatest() pass over NULL. */
const notNull = (value: string, sql: string): string => `CASE WHEN ${value} IS NOT NULL THEN ${sql} END`;

/** Distance from 0 within one sign: bins never cross 0. */
const size = (units: string): string => `CASE WHEN ${units} < 0 THEN -(${units} + 1) ELSE ${units} END`;

/** The least level at which two values stand in one bin; NULL where they never do. A search in halves, not 37 tests. */
export function levelSql(units: string, other: string): string {
  const [own, its] = [size(units), size(other)];
  const same = (level: number): string => `(${own}) // ${WIDTHS[level]!} = (${its}) // ${WIDTHS[level]!}`;
  const search = (from: number, to: number): string => {
    if (from === to) return String(from);
    const middle = (from + to) >> 1;
    return `CASE WHEN ${same(middle)} THEN ${search(from, middle)} ELSE ${search(middle + 1, to)} END`;
  };
  const top = LEVELS - 1;
  return `CASE WHEN ${same(top)} AND (${units} < 0) = (${other} < 0) THEN CAST(${search(0, top)} AS TINYINT) END`;
}

/** Limits between which all values of a bin lie, and few others: DOUBLE, cheaper to compare with than units. */
export function limitsSql({
  units,
  width,
  column,
}: Pick<Bin, "units" | "width" | "column">): [low: string, high: string] {
  const lowest = lowestSql(units, width);
  const wide = (sql: string, sign: "+" | "-"): string => {
    const value = `((${sql} ${sign} 1) / 1e${decimals(column)})`;
    return `${value} ${sign} abs(${value}) * 1e-12`;
  };
  return [wide(lowest, "-"), wide(`${lowest} + ${width}`, "+")];
}

function lowestSql(units: string, width: string): string {
  const whole = `((${size(units)}) // ${width}) * ${width}`;
  return `(CASE WHEN ${units} < 0 THEN -(${whole}) - ${width} ELSE ${whole} END)`;
}

export function isBinnedSql(units: string): string {
  return `abs(${units}) < ${MOST_UNITS}`;
}

export function widthSql(level: string): string {
  return `[${WIDTHS.map((width) => `${width}::BIGINT`).join(", ")}][${level} + 1]`;
}

export interface Bin {
  units: string;
  width: string;
  /** Of the column, and of the result. */
  column: string;
  type: string;
}

/** The middle of a bin in the type of the result, or an edge of it where that type does not reach as far. */
export function middleSql({ units, width, column, type }: Bin): string {
  const lowest = lowestSql(units, width);
  const typed = (sql: string): string => {
    const scale = decimals(column);
    return `TRY_CAST(${scale === 0 ? sql : `(${sql}) / 1e${scale}`} AS ${type})`;
  };
  const places = [`${lowest} + ${width} // 2`, lowest, `${lowest} + ${width} - 1`];
  return `coalesce(${places.map(typed).join(", ")})`;
}
