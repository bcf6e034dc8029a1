import type { Post } from "./post-plan.ts";
import type { Expression } from "./expression.ts";
import type { Aggregate, From, Key, Order, SubjectClass } from "./ir.ts";

/** Rows of base tables: nothing of it may leave. Columns are expressions over table columns. */
export interface RawRelation {
  grain: "raw";
  /** Absent for SELECT without FROM. */
  from: From | undefined;
  filters: Expression[];
  columns: Expression[];
}

/** One row per cell of an aggregation, and the steps above it. Columns are expressions over cells. */
export interface CellRelation {
  grain: "cell";
  raw: RawRelation;
  subjects: SubjectClass[];
  keys: Key[];
  aggregates: Aggregate[];
  columns: Expression[];
  having: Expression[];
  order: Order[];
  limit: number | undefined;
  offset: number;
}

/** Steps over released cells that one aggregation's own HAVING, ORDER BY and LIMIT do not cover. */
export interface PostRelation {
  grain: "post";
  post: Post;
  /** Types of its columns. */
  types: string[];
}

export type Relation = RawRelation | CellRelation | PostRelation;
