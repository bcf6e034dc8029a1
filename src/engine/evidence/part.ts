import { columnsOf, someExpression, type Aggregate, type Expression } from "../gate/index.ts";
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
  /** Size of a contribution, over the columns per subject; 0 is neutral. */
  size: string;
  /** Columns per cell over those of the groups. */
  cell: Named[];
  /** Columns per subject that look at the whole cell, over those of its subjects. */
  within?: (keys: readonly string[]) => Named[];
  /** Modal contributions and dominance mean something only for sums and means. */
  isMagnitude: boolean;
  /** How one scan bounds it (`bounds-sql.ts`); absent where only counting subject by subject tells. */
  bounds?: PartBounds;
}

export interface PartBounds {
  /** Columns per cell over its rows. */
  cell: Named[];
  /** Further ones over those and `b0_<p>`, what the native function says of the first class. Together they are those of `cell`. */
  derived: Named[];
  /** Call of the native function over a class's subjects that keeps so many of them. */
  call: (subject: string, room: number) => string;
  /** What the native function's amounts must be divided by. */
  unit: string;
}

export const REST_SCALE = "4611686018427387904.0";

export function filterSql(aggregate: Aggregate): string {
  return isAlways(aggregate.filter) ? "" : `(${conditionSql(aggregate.filter)}) IS TRUE`;
}

/** The filter as a column of a row, when there is one, and how it is used. */
export function filterOf(aggregate: Aggregate, p: number): { row: Named[]; holds: string; only: string } {
  const sql = filterSql(aggregate);
  if (sql === "") return { row: [], holds: "TRUE", only: "" };
  return { row: [[`f${p}`, sql]], holds: `f${p}`, only: ` FILTER (f${p})` };
}

export function both(left: string, right: string): string {
  return left === "TRUE" ? right : `${left} AND ${right}`;
}

/** Decimals that overflow in the row's own arithmetic count as missing instead of ending the query. */
export function amountSql(argument: Expression): string {
  const sql = rowSql(argument);
  return someExpression(argument, isTight) ? `TRY(${sql})` : sql;
}

/** An operation that may not have room for its result: of whole numbers a product of several columns, however wide. */
function isTight(part: Expression): boolean {
  if (part.kind !== "call") return false;
  return part.mayOverflow || (part.type === "HUGEINT" && columnsOf(part).length > 1);
}

export function totals(...columns: string[]): Named[] {
  return columns.map((name) => [name, `sum(${name})`]);
}

export function when(holds: string, value: string): string {
  return holds === "TRUE" ? value : `CASE WHEN ${holds} THEN ${value} END`;
}
