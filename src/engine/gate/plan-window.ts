import type { Expression } from "./expression.ts";
import { placeAt, readExpression } from "./plan-expression.ts";
import { listAt, objectAt, PlanFormatError, textAt, type JsonObject } from "./plan-json.ts";
import { refuse } from "./refusal.ts";
import type { PlanQuantiles } from "./plan-quantile.ts";
import { typeName } from "./types.ts";

/** Aggregate call as the plan has it. */
export interface PlanAggregate {
  name: string;
  distinct: boolean;
  children: Expression[];
  /** Of quantiles: the fractions that are asked for, which the binder has taken out of the arguments. */
  quantiles?: PlanQuantiles | undefined;
  filter: Expression | undefined;
  type: string;
  at: number | undefined;
}

export interface PlanOrder {
  expression: Expression;
  descending: boolean;
  nullsFirst: boolean;
}

export interface PlanWindow extends PlanAggregate {
  partitions: Expression[];
  orders: PlanOrder[];
  frame: string | undefined;
}

const RANKS: Readonly<Record<string, string>> = {
  WINDOW_ROW_NUMBER: "row_number",
  WINDOW_RANK: "rank",
  WINDOW_RANK_DENSE: "dense_rank",
  WINDOW_PERCENT_RANK: "percent_rank",
  WINDOW_CUME_DIST: "cume_dist",
  WINDOW_NTILE: "ntile",
  WINDOW_LAG: "lag",
  WINDOW_LEAD: "lead",
  WINDOW_FIRST_VALUE: "first_value",
  WINDOW_LAST_VALUE: "last_value",
};
const FRAME_ENDS: Readonly<Record<string, string>> = {
  UNBOUNDED_PRECEDING: "UNBOUNDED PRECEDING",
  UNBOUNDED_FOLLOWING: "UNBOUNDED FOLLOWING",
  CURRENT_ROW_RANGE: "CURRENT ROW",
  CURRENT_ROW_ROWS: "CURRENT ROW",
  EXPR_PRECEDING_ROWS: "PRECEDING",
  EXPR_FOLLOWING_ROWS: "FOLLOWING",
};

/** A window function; only frames by rows, by constants, and the usual ones. */
export function readWindow(node: JsonObject): PlanWindow {
  const type = textAt(node, "type");
  const isAggregate = type === "WINDOW_AGGREGATE";
  const name = isAggregate ? textAt(node, "name") : RANKS[type];
  const plain = node["ignore_nulls"] === false && node["exclude_clause"] === "NO_OTHER";
  if (name === undefined || !plain)
    return refuse("window_refused", { at: placeAt(node), construct: type.toLowerCase() });
  requireEmpty(node, "arg_orders");
  const children = [...listAt(node, "children"), ...optional(node, "offset_expr"), ...optional(node, "default_expr")];
  return {
    name,
    at: placeAt(node),
    distinct: node["distinct"] === true,
    children: children.map(readExpression),
    filter: optional(node, "filter_expr").map(readExpression)[0],
    type: typeName(objectAt(node, "return_type")),
    partitions: listAt(node, "partitions").map(readExpression),
    orders: listAt(node, "orders").map(readOrder),
    frame: isAggregate ? readFrame(node) : undefined,
  };
}

function optional(node: JsonObject, key: string): JsonObject[] {
  const value = node[key];
  return value === undefined || value === null ? [] : [objectAt(node, key)];
}

function readFrame(node: JsonObject): string | undefined {
  const ends = (["start", "end"] as const).map((side): string => {
    const kind = textAt(node, side);
    const word = FRAME_ENDS[kind] ?? refuse("window_refused", { at: placeAt(node), construct: kind.toLowerCase() });
    return kind.startsWith("EXPR") ? `${frameRows(node, side)} ${word}` : word;
  });
  const byRows = ["start", "end"].some((side) => textAt(node, side).endsWith("_ROWS"));
  return `${byRows ? "ROWS" : "RANGE"} BETWEEN ${ends[0]!} AND ${ends[1]!}`;
}

function frameRows(node: JsonObject, side: "start" | "end"): number {
  let part = readExpression(objectAt(node, `${side}_expr`));
  while (part.kind === "cast") part = part.child;
  const rows = part.kind === "constant" ? Number(part.value) : Number.NaN;
  return Number.isSafeInteger(rows) && rows >= 0 ? rows : refuse("window_refused", { construct: "frame" });
}
export function readOrder(node: JsonObject): PlanOrder {
  return {
    expression: readExpression(objectAt(node, "expression")),
    descending: textAt(node, "type") === "DESCENDING",
    nullsFirst: textAt(node, "null_order") === "NULLS FIRST",
  };
}

export function requireEmpty(node: JsonObject, key: string): void {
  const value = node[key];
  if (value !== undefined && !(Array.isArray(value) && value.length === 0)) {
    throw new PlanFormatError(`${key} is not empty`);
  }
}
