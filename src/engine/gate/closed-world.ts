import { locate } from "./tokens.ts";
import { nearestAggregate, ROW_AGGREGATES, ROW_FUNCTIONS } from "./functions.ts";
import { isObject, PlanFormatError, wordAt, type Json, type JsonObject } from "./plan-json.ts";
import { isBuiltIn, placeAt } from "./plan-expression.ts";
import { refuse } from "./refusal.ts";

const OPERATORS: ReadonlySet<string> = new Set([
  "LOGICAL_GET",
  "LOGICAL_PROJECTION",
  "LOGICAL_FILTER",
  "LOGICAL_COMPARISON_JOIN",
  "LOGICAL_ANY_JOIN",
  "LOGICAL_CROSS_PRODUCT",
  "LOGICAL_DELIM_JOIN",
  "LOGICAL_DELIM_GET",
  "LOGICAL_AGGREGATE_AND_GROUP_BY",
  "LOGICAL_DISTINCT",
  "LOGICAL_ORDER_BY",
  "LOGICAL_LIMIT",
  "LOGICAL_TOP_N",
  "LOGICAL_MATERIALIZED_CTE",
  "LOGICAL_CTE_REF",
  "LOGICAL_WINDOW",
  "LOGICAL_UNION",
  "LOGICAL_EXCEPT",
  "LOGICAL_INTERSECT",
  "LOGICAL_UNNEST",
  "LOGICAL_DUMMY_SCAN",
  "LOGICAL_EXPRESSION_GET",
  "LOGICAL_EMPTY_RESULT",
]);
const EXPRESSIONS: ReadonlySet<string> = new Set([
  "BOUND_REF",
  "BOUND_COLUMN_REF",
  "BOUND_CONSTANT",
  "BOUND_CAST",
  "BOUND_COMPARISON",
  "BOUND_CONJUNCTION",
  "BOUND_OPERATOR",
  "BOUND_FUNCTION",
  "BOUND_AGGREGATE",
  "BOUND_CASE",
  "BOUND_BETWEEN",
  "BOUND_WINDOW",
  "BOUND_UNNEST",
]);
/** The binder's own guard around a scalar subquery; it carries no data. */
const SUBQUERY_GUARD = "More than one row returned by a subquery used as an expression";

export interface ReadColumn {
  product: string;
  column: string;
}

export interface ReadSet {
  columns: ReadColumn[];
  /** Every product that is scanned, also for its rows alone. */
  products: string[];
}

/**
 * Gate 1: whether a plan may run at all, in any form. Walks the whole JSON, so that no member can hide an operator,
 * expression or function that is not on the lists. Answers the columns that are read.
 */
export function checkClosedWorld(root: JsonObject, products: ReadonlySet<string>, sql: string): ReadSet {
  refuseFolded(sql);
  const columns = new Map<string, ReadColumn>();
  const scanned = new Set<string>();
  const visit = (value: Json): void => {
    if (Array.isArray(value)) return value.forEach(visit);
    if (!isObject(value)) return;
    if (typeof value["expression_class"] === "string") checkExpression(value, sql);
    else if (typeof value["type"] === "string" && value["type"].startsWith("LOGICAL_")) checkOperator(value);
    if (value["type"] === "LOGICAL_GET") {
      scanned.add(scannedProduct(value, products));
      for (const column of readColumns(value)) columns.set(`${column.product}.${column.column}`, column);
    }
    Object.values(value).forEach(visit);
  };
  visit(root);
  return { columns: [...columns.values()], products: [...scanned].toSorted() };
}

/** The binder folds this one into a constant, so that the plan does not show it any more. */
function refuseFolded(sql: string): void {
  const at = locate(sql, "getvariable", { call: true });
  if (at !== undefined) refuse("function_refused", { construct: "getvariable()" });
}

function checkOperator(node: JsonObject): void {
  const type = wordAt(node, "type");
  if (!OPERATORS.has(type)) refuse("operator_refused", { construct: type.replace("LOGICAL_", "").toLowerCase() });
}

function checkExpression(node: JsonObject, sql: string): void {
  const kind = wordAt(node, "expression_class");
  const at = placeAt(node);
  if (!EXPRESSIONS.has(kind)) refuse("expression_refused", { at, construct: kind.replace("BOUND_", "").toLowerCase() });
  if (kind === "BOUND_FUNCTION") checkFunction(node, at, sql);
  if (kind === "BOUND_AGGREGATE" && !ROW_AGGREGATES.has(wordAt(node, "name"))) {
    const name = wordAt(node, "name");
    const suggestion = nearestAggregate(name);
    refuse("function_refused", { at: at ?? locate(sql, name, { call: true }), construct: `${name}()`, suggestion });
  }
}

function checkFunction(node: JsonObject, at: number | undefined, sql: string): void {
  const name = wordAt(node, "name");
  if (name === "error" && isBuiltIn(node) && isSubqueryGuard(node)) return;
  if (isBuiltIn(node) && ROW_FUNCTIONS.has(name)) return;
  refuse("function_refused", { at: at ?? locate(sql, name, { call: true }), construct: `${name}()` });
}

function isSubqueryGuard(node: JsonObject): boolean {
  const children = node["children"];
  const first = Array.isArray(children) ? children[0] : undefined;
  if (!isObject(first) || first["expression_class"] !== "BOUND_CONSTANT") return false;
  const value = first["value"];
  return isObject(value) && typeof value["value"] === "string" && value["value"].startsWith(SUBQUERY_GUARD);
}

function scannedProduct(node: JsonObject, products: ReadonlySet<string>): string {
  if (node["name"] !== "seq_scan") return refuse("table_function_refused", { construct: `${wordAt(node, "name")}()` });
  const source = node["function_data"];
  if (!isObject(source)) throw new PlanFormatError("a scan has no table");
  const product = wordAt(source, "table");
  const isMounted = source["catalog"] === "memory" && source["schema"] === "main" && products.has(product);
  return isMounted ? product : refuse("table_refused", { construct: product });
}

function readColumns(node: JsonObject): ReadColumn[] {
  const source = node["function_data"];
  const names = node["names"];
  const indexes = node["column_indexes"];
  if (!isObject(source) || !Array.isArray(names) || !Array.isArray(indexes))
    throw new PlanFormatError("a scan is incomplete");
  return indexes.flatMap((entry) => {
    const index = isObject(entry) ? entry["index"] : undefined;
    const name = typeof index === "number" ? names[index] : undefined;
    return typeof name === "string" ? [{ product: wordAt(source, "table"), column: name }] : [];
  });
}
