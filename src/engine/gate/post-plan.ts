import type { CompareOperator, Expression } from "./expression.ts";
import type { Order } from "./ir.ts";

/**
 * Steps over tables of cells that may leave already. Whatever is computed here sees hidden values as NULL, so it can
 * tell nothing that the cells do not: joins, windows, aggregates and set operations are free. Expressions name a
 * child's columns as `cell` leaves by position (a join's right side follows its left).
 */
export type Post =
  /** Released cells of one leaf, or the rows of a public table, or one row without columns. */
  | { op: "leaf"; leaf: number }
  | { op: "public"; product: string; columns: string[] }
  | { op: "one" }
  | { op: "project"; expressions: Expression[]; child: Post }
  | { op: "filter"; conditions: Expression[]; child: Post }
  | { op: "join"; kind: PostJoin; conditions: PostCondition[]; left: Post; right: Post; widths: [number, number] }
  | { op: "mark"; probe: Expression; among: Expression; left: Post; right: Post; width: number }
  | { op: "aggregate"; groups: Expression[]; aggregates: PostCall[]; child: Post }
  | { op: "window"; windows: PostWindow[]; child: Post; width: number }
  | { op: "distinct"; child: Post }
  | { op: "union"; kind: `${"UNION" | "EXCEPT" | "INTERSECT"}${"" | " ALL"}`; children: Post[] }
  | { op: "order"; order: Order[]; child: Post }
  | { op: "limit"; limit: number | undefined; offset: number; child: Post };

export type PostJoin = "inner" | "left" | "right" | "outer" | "semi" | "anti";

export interface PostCondition {
  operator: CompareOperator;
  left: Expression;
  right: Expression;
}

export interface PostCall {
  name: string;
  distinct: boolean;
  children: Expression[];
  filter: Expression | undefined;
  type: string;
}

export interface PostWindow extends PostCall {
  partitions: Expression[];
  order: Order[];
  /** As written in SQL; absent for functions that have none. */
  frame: string | undefined;
}

/** Aggregates over cells: all that do not depend on the order of their input. */
export const POST_AGGREGATES: ReadonlySet<string> = new Set([
  "count_star",
  "count",
  "count_if",
  "sum",
  "sum_no_overflow",
  "avg",
  "mean",
  "min",
  "max",
  "first",
  "median",
  "stddev",
  "stddev_samp",
  "stddev_pop",
  "variance",
  "var_samp",
  "var_pop",
  "corr",
  "bool_and",
  "bool_or",
]);
