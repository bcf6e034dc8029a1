import type { GateCatalogue } from "./ir.ts";
import { isObject, wordAt, type Json, type JsonObject } from "./plan-json.ts";
import { refuse } from "./refusal.ts";

/**
 * The second level: what runs as written and goes to a person. Everything on it is in the closed world already; what
 * remains is that subject keys, which link the products of a space, are never selected.
 */
export function checkRows(root: JsonObject, catalogue: GateCatalogue): void {
  const shown = subjectPositions(root, catalogue);
  if (shown.some((isKey) => isKey)) refuse("subject_key_output");
}

/** For each output position whether a subject key flows into it as a value. */
function subjectPositions(node: JsonObject, catalogue: GateCatalogue): boolean[] {
  const children = (Array.isArray(node["children"]) ? node["children"] : []).filter(isObject);
  const inputs = (): boolean[] => children.flatMap((child) => subjectPositions(child, catalogue));
  switch (node["type"]) {
    case "LOGICAL_GET":
      return scanPositions(node, catalogue);
    case "LOGICAL_PROJECTION":
      return flows(node["expressions"], inputs());
    case "LOGICAL_AGGREGATE_AND_GROUP_BY":
      return [...flows(node["groups"], inputs()), ...aggregateFlows(node["expressions"], inputs())];
    case "LOGICAL_WINDOW":
      return [...inputs(), ...flows(node["expressions"], inputs())];
    case "LOGICAL_DUMMY_SCAN":
    case "LOGICAL_EXPRESSION_GET":
      return [];
    case "LOGICAL_FILTER":
    case "LOGICAL_ORDER_BY":
    case "LOGICAL_LIMIT":
    case "LOGICAL_TOP_N":
    case "LOGICAL_DISTINCT":
    case "LOGICAL_COMPARISON_JOIN":
    case "LOGICAL_CROSS_PRODUCT":
    case "LOGICAL_ANY_JOIN":
      return inputs();
    default:
      return readsKey(node, catalogue) ? [true] : [];
  }
}

function scanPositions(node: JsonObject, catalogue: GateCatalogue): boolean[] {
  const source = node["function_data"];
  const key = isObject(source) ? catalogue.products.get(wordAt(source, "table"))?.subjectKey : undefined;
  const names = node["names"];
  const indexes = Array.isArray(node["column_indexes"]) ? node["column_indexes"] : [];
  return indexes.map((entry) => {
    const index = isObject(entry) ? entry["index"] : undefined;
    return key !== undefined && Array.isArray(names) && typeof index === "number" && names[index] === key;
  });
}

function flows(expressions: Json | undefined, inputs: readonly boolean[]): boolean[] {
  return (Array.isArray(expressions) ? expressions : []).map((expression) => mentions(expression, inputs));
}

/** Counts show nothing of what they count. */
function aggregateFlows(expressions: Json | undefined, inputs: readonly boolean[]): boolean[] {
  return (Array.isArray(expressions) ? expressions : []).map((expression) => {
    const counts = isObject(expression) && wordAt(expression, "name").startsWith("count");
    return !counts && mentions(expression, inputs);
  });
}

function mentions(value: Json, inputs: readonly boolean[]): boolean {
  if (Array.isArray(value)) return value.some((item) => mentions(item, inputs));
  if (!isObject(value)) return false;
  if (value["expression_class"] === "BOUND_REF") {
    const index = value["index"];
    return typeof index !== "number" || (inputs[index] ?? true);
  }
  return Object.values(value).some((member) => mentions(member, inputs));
}

/** Operators whose positions are not followed (CTEs, set operations): no scan below may read a key at all. */
function readsKey(value: Json, catalogue: GateCatalogue): boolean {
  if (Array.isArray(value)) return value.some((item) => readsKey(item, catalogue));
  if (!isObject(value)) return false;
  if (value["type"] === "LOGICAL_GET") return scanPositions(value, catalogue).includes(true);
  return Object.values(value).some((member) => readsKey(member, catalogue));
}
