import type { CompareOperator, Expression } from "./expression.ts";
import { comparison, isBuiltIn, placeAt, readExpression } from "./plan-expression.ts";
import { indexAt, listAt, objectAt, PlanFormatError, textAt, type Json, type JsonObject } from "./plan-json.ts";
import { refuse, type RefusalCode } from "./refusal.ts";
import {
  readOrder,
  readWindow,
  requireEmpty,
  type PlanAggregate,
  type PlanOrder,
  type PlanWindow,
} from "./plan-window.ts";
import { isQuantile, readQuantiles } from "./plan-quantile.ts";
import { typeName } from "./types.ts";

export type Plan =
  | { op: "get"; table: string; columns: (string | undefined)[]; types: string[] }
  | { op: "project"; expressions: Expression[]; child: Plan }
  | { op: "filter"; expressions: Expression[]; child: Plan }
  | { op: "join"; kind: JoinKind; conditions: JoinCondition[]; left: Plan; right: Plan }
  | { op: "cross"; left: Plan; right: Plan }
  | { op: "subquery"; kind: SubqueryKind; conditions: JoinCondition[]; outer: Expression[]; left: Plan; right: Plan }
  | { op: "outer"; types: string[] }
  | {
      op: "aggregate";
      groups: Expression[];
      aggregates: PlanAggregate[];
      sets: number[][];
      levels: number[][];
      child: Plan;
    }
  | { op: "window"; windows: PlanWindow[]; child: Plan }
  | { op: "union"; kind: SetOperation; children: Plan[] }
  | { op: "distinct"; child: Plan }
  | { op: "order"; orders: PlanOrder[]; child: Plan }
  | { op: "limit"; limit: number | undefined; offset: number; child: Plan }
  | { op: "cte"; index: number; definition: Plan; child: Plan }
  | { op: "cte_ref"; index: number }
  | { op: "dummy" };

export type SetOperation = `${"UNION" | "EXCEPT" | "INTERSECT"}${"" | " ALL"}`;
export type JoinKind = "inner" | "left" | "right" | "outer" | "semi" | "anti";

/**
 * mark: adds whether the right side has a partner (EXISTS, IN); single: adds the one row of the right side. `outer`: what
 * the right side reads of the left's rows, where it is correlated; it finds them in an `outer` operator.
 */
export type SubqueryKind = "mark" | "single";

export interface JoinCondition {
  operator: CompareOperator;
  left: Expression;
  right: Expression;
}
/** Operators that the safe form does not know, and what is said about them. */
const REFUSED: Readonly<Record<string, RefusalCode>> = {
  LOGICAL_DEPENDENT_JOIN: "subquery_refused",
  LOGICAL_ANY_JOIN: "join_form_refused",
  LOGICAL_POSITIONAL_JOIN: "join_form_refused",
  LOGICAL_ASOF_JOIN: "join_form_refused",
  LOGICAL_RECURSIVE_CTE: "operator_refused",
};

/** The operators of a bound plan, typed. Closed world: an operator or a member that is not known is refused. */
export function readPlan(node: JsonObject): Plan {
  const type = textAt(node, "type");
  switch (type) {
    case "LOGICAL_GET":
      return readGet(node);
    case "LOGICAL_PROJECTION":
      return { op: "project", expressions: expressionsOf(node), child: onlyChild(node) };
    case "LOGICAL_FILTER":
      return readFilter(node);
    case "LOGICAL_COMPARISON_JOIN":
    case "LOGICAL_DELIM_JOIN":
      return readJoin(node);
    case "LOGICAL_DELIM_GET":
      return { op: "outer", types: listAt(node, "chunk_types").map(typeName) };
    case "LOGICAL_CROSS_PRODUCT":
      return { op: "cross", ...twoChildren(node) };
    case "LOGICAL_AGGREGATE_AND_GROUP_BY":
      return readAggregation(node);
    case "LOGICAL_DISTINCT":
      return readDistinct(node);
    case "LOGICAL_WINDOW":
      return { op: "window", windows: listAt(node, "expressions").map(readWindow), child: onlyChild(node) };
    case "LOGICAL_UNION":
    case "LOGICAL_EXCEPT":
    case "LOGICAL_INTERSECT":
      return readSetOperation(node, type.replace("LOGICAL_", "") as "UNION");
    case "LOGICAL_ORDER_BY":
      return { op: "order", orders: listAt(node, "orders").map(readOrder), child: onlyChild(node) };
    case "LOGICAL_LIMIT":
      return readLimit(node);
    case "LOGICAL_MATERIALIZED_CTE":
      return readCte(node);
    case "LOGICAL_CTE_REF":
      return { op: "cte_ref", index: indexAt(node, "cte_index") };
    case "LOGICAL_DUMMY_SCAN":
      return { op: "dummy" };
    default:
      return refuse(REFUSED[type] ?? "operator_refused", { construct: type.replace("LOGICAL_", "").toLowerCase() });
  }
}

function readFilter(node: JsonObject): Plan {
  requireEmpty(node, "projection_map");
  return { op: "filter", expressions: expressionsOf(node), child: onlyChild(node) };
}

function expressionsOf(node: JsonObject): Expression[] {
  return listAt(node, "expressions").map(readExpression);
}

function onlyChild(node: JsonObject): Plan {
  const children = listAt(node, "children");
  if (children.length !== 1) throw new PlanFormatError("an operator does not have one child");
  return readPlan(children[0]!);
}

function twoChildren(node: JsonObject): { left: Plan; right: Plan } {
  const children = listAt(node, "children");
  if (children.length !== 2) throw new PlanFormatError("an operator does not have two children");
  return { left: readPlan(children[0]!), right: readPlan(children[1]!) };
}

/** A scan of a base table. Positions of the output are `column_indexes`; the row id (for count(*)) has no name. */
function readGet(node: JsonObject): Plan {
  if (textAt(node, "name") !== "seq_scan")
    return refuse("table_function_refused", { construct: `${textAt(node, "name")}()` });
  const source = objectAt(node, "function_data");
  const names = node["names"];
  if (source["catalog"] !== "memory" || source["schema"] !== "main") refuse("table_refused");
  requireEmpty(node, "projection_ids");
  requireEmpty(objectAt(node, "table_filters"), "filters");
  const types = listAt(node, "returned_types");
  const positions = listAt(node, "column_indexes").map((column) => column["index"]);
  if (!Array.isArray(names)) throw new PlanFormatError("a scan has no names");
  const known = positions.map((position) =>
    typeof position === "number" && position < types.length ? position : undefined,
  );
  return {
    op: "get",
    table: textAt(source, "table"),
    columns: known.map((position) => (position === undefined ? undefined : nameAt(names, position))),
    types: known.map((position) => (position === undefined ? "BIGINT" : typeName(types[position]!))),
  };
}

function nameAt(names: readonly Json[], position: number): string {
  const name = names[position];
  if (typeof name !== "string") throw new PlanFormatError("a scanned column has no name");
  return name;
}

function readJoin(node: JsonObject): Plan {
  const kind = textAt(node, "join_type").toLowerCase();
  for (const key of ["left_projection_map", "right_projection_map"]) requireEmpty(node, key);
  if (node["predicate"] !== undefined) return refuse("join_form_refused", { construct: "join condition" });
  const conditions = listAt(node, "conditions").map((condition) => ({
    operator: comparison(textAt(condition, "comparison"), undefined),
    left: readExpression(objectAt(condition, "left")),
    right: readExpression(objectAt(condition, "right")),
  }));
  if (node["delim_flipped"] === true) return refuse("subquery_refused", { construct: "flipped subquery" });
  const outer = listAt(node, "duplicate_eliminated_columns").map(readExpression);
  if (kind === "mark" || kind === "single") return { op: "subquery", kind, conditions, outer, ...twoChildren(node) };
  requireEmpty(node, "mark_types");
  if (outer.length > 0) return refuse("subquery_refused", { construct: "LATERAL" });
  if (!isJoinKind(kind)) {
    const suggestion = "Use a LEFT JOIN from the table whose subjects are counted";
    return refuse("join_form_refused", { construct: `${kind} join`, word: kind, suggestion });
  }
  return { op: "join", kind, conditions, ...twoChildren(node) };
}

function isJoinKind(kind: string): kind is JoinKind {
  return /^(inner|left|right|outer|semi|anti)$/.test(kind);
}

function readAggregation(node: JsonObject): Plan {
  const groups = listAt(node, "groups").map(readExpression);
  const sets = node["grouping_sets"];
  // INVARIANT: the plan is serialised with skip_empty := false, else ROLLUP's empty set is not in it.
  const levels = indexLists(node["grouping_functions"] ?? [], groups.length);
  const read = indexLists(sets ?? [], groups.length);
  const whole = read.length === 0 ? [groups.map((_, i) => i)] : read;
  const aggregates = listAt(node, "expressions").map(readAggregate);
  return { op: "aggregate", groups, aggregates, sets: whole, levels, child: onlyChild(node) };
}

function indexLists(value: Json, length: number): number[][] {
  const isIndex = (one: Json): one is number => typeof one === "number" && one >= 0 && one < length;
  const isList = (list: Json): list is number[] => Array.isArray(list) && list.every(isIndex);
  if (!Array.isArray(value) || !value.every(isList)) throw new PlanFormatError("grouping sets are no lists of groups");
  return value;
}

function readSetOperation(node: JsonObject, kind: "UNION" | "EXCEPT" | "INTERSECT"): Plan {
  if (typeof node["setop_all"] !== "boolean") throw new PlanFormatError("a set operation does not say ALL or not");
  return {
    op: "union",
    kind: node["setop_all"] ? `${kind} ALL` : kind,
    children: listAt(node, "children").map(readPlan),
  };
}

function readAggregate(node: JsonObject): PlanAggregate {
  const name = textAt(node, "name");
  const at = placeAt(node);
  if (node["expression_class"] !== "BOUND_AGGREGATE") throw new PlanFormatError("an aggregation holds something else");
  const filter = node["filter"];
  const ordered = node["order_bys"];
  if (!isBuiltIn(node)) refuse("function_refused", { at, construct: `${name}()` });
  if (ordered !== undefined && ordered !== null)
    refuse("aggregate_not_available", { at, construct: `${name}(… ORDER BY …)` });
  return {
    name,
    at,
    distinct: textAt(node, "aggregate_type") === "DISTINCT",
    children: listAt(node, "children").map(readExpression),
    filter: filter === undefined || filter === null ? undefined : readExpression(objectAt(node, "filter")),
    ...readResult(node, name),
  };
}

function readResult(node: JsonObject, name: string): Pick<PlanAggregate, "type" | "quantiles"> {
  const type = objectAt(node, "return_type");
  return isQuantile(name) ? readQuantiles(node, type) : { type: typeName(type) };
}

function readDistinct(node: JsonObject): Plan {
  const targets = listAt(node, "distinct_targets").map(readExpression);
  const plain = targets.every((target, i) => target.kind === "ref" && target.index === i);
  const ordered = node["order_by"];
  if (textAt(node, "distinct_type") !== "DISTINCT" || !plain || (ordered !== undefined && ordered !== null)) {
    return refuse("distinct_refused", { construct: "DISTINCT ON", word: "distinct" });
  }
  return { op: "distinct", child: onlyChild(node) };
}

function readLimit(node: JsonObject): Plan {
  const limit = limitValue(objectAt(node, "limit_val"));
  const offset = limitValue(objectAt(node, "offset_val"));
  return { op: "limit", limit, offset: offset ?? 0, child: onlyChild(node) };
}

function limitValue(node: JsonObject): number | undefined {
  const type = textAt(node, "type");
  if (type === "UNSET") return undefined;
  if (type !== "CONSTANT_VALUE") return refuse("post_form_refused", { construct: "LIMIT with a computed value" });
  return indexAt(node, "constant_integer");
}

function readCte(node: JsonObject): Plan {
  const { left, right } = twoChildren(node);
  return { op: "cte", index: indexAt(node, "table_index"), definition: left, child: right };
}
