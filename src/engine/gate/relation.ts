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

export type Relation = RawRelation | CellRelation;
