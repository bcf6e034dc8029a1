import type { CompareOperator, Expression } from "./expression.ts";
import {
  indexAt,
  isObject,
  listAt,
  objectAt,
  PlanFormatError,
  textAt,
  type Json,
  type JsonObject,
} from "./plan-json.ts";
import { refuse } from "./refusal.ts";
import { typeName } from "./types.ts";

const COMPARISONS: Readonly<Record<string, CompareOperator>> = {
  COMPARE_EQUAL: "=",
  COMPARE_NOTEQUAL: "<>",
  COMPARE_LESSTHAN: "<",
  COMPARE_LESSTHANOREQUALTO: "<=",
  COMPARE_GREATERTHAN: ">",
  COMPARE_GREATERTHANOREQUALTO: ">=",
  COMPARE_DISTINCT_FROM: "IS DISTINCT FROM",
  COMPARE_NOT_DISTINCT_FROM: "IS NOT DISTINCT FROM",
};

/** One bound expression of the plan as a tree of ours. Closed world: what is not read here is refused. */
export function readExpression(node: JsonObject): Expression {
  const at = placeAt(node);
  const common = { at, type: node["return_type"] === undefined ? "BOOLEAN" : typeName(objectAt(node, "return_type")) };
  switch (textAt(node, "expression_class")) {
    case "BOUND_REF":
      return { ...common, kind: "ref", index: indexAt(node, "index") };
    case "BOUND_CONSTANT":
      return readConstant(objectAt(node, "value"), at);
    case "BOUND_CAST":
      return {
        ...common,
        kind: "cast",
        child: readExpression(objectAt(node, "child")),
        safe: node["try_cast"] === true,
      };
    case "BOUND_COMPARISON":
      return { ...common, kind: "compare", operator: comparison(textAt(node, "type"), at), children: sides(node) };
    case "BOUND_CONJUNCTION":
      return {
        ...common,
        kind: conjunction(textAt(node, "type")),
        children: listAt(node, "children").map(readExpression),
      };
    case "BOUND_OPERATOR":
      return readOperator(node, common);
    case "BOUND_FUNCTION":
      return readCall(node, common);
    case "BOUND_CASE":
      return readCase(node, common);
    default:
      return refuse("expression_refused", {
        at,
        construct: textAt(node, "expression_class").replace("BOUND_", "").toLowerCase(),
      });
  }
}

export function comparison(type: string, at: number | undefined): CompareOperator {
  return COMPARISONS[type] ?? refuse("expression_refused", { at, construct: type.toLowerCase() });
}

/** Byte offset in the planned text. DuckDB writes 2^64 − 1 where it does not know. */
export function placeAt(node: JsonObject): number | undefined {
  const value = node["query_location"];
  return typeof value === "number" && Number.isSafeInteger(value) ? value : undefined;
}

/** Functions that DuckDB specialised while binding (decimal sum, say) have lost their catalogue name. */
export function isBuiltIn(node: JsonObject): boolean {
  const catalog = node["catalog_name"] ?? "";
  return catalog === "" || (catalog === "system" && node["schema_name"] === "main");
}

function sides(node: JsonObject): [Expression, Expression] {
  return [readExpression(objectAt(node, "left")), readExpression(objectAt(node, "right"))];
}

function conjunction(type: string): "and" | "or" {
  if (type === "CONJUNCTION_AND") return "and";
  if (type === "CONJUNCTION_OR") return "or";
  throw new PlanFormatError("a conjunction is neither AND nor OR");
}

function readCase(node: JsonObject, common: Common): Expression {
  const otherwise = readExpression(objectAt(node, "else_expr"));
  return { ...common, kind: "case", checks: listAt(node, "case_checks").map(readCheck), otherwise };
}

function readCheck(node: JsonObject): { when: Expression; value: Expression } {
  return { when: readExpression(objectAt(node, "when_expr")), value: readExpression(objectAt(node, "then_expr")) };
}

interface Common {
  at: number | undefined;
  type: string;
}

function readOperator(node: JsonObject, common: Common): Expression {
  const children = listAt(node, "children").map(readExpression);
  const [first] = children;
  if (!first) throw new PlanFormatError("an operator has no operand");
  switch (textAt(node, "type")) {
    case "COMPARE_IN":
      return { ...common, kind: "in", negated: false, children };
    case "COMPARE_NOT_IN":
      return { ...common, kind: "in", negated: true, children };
    case "OPERATOR_NOT":
      return { ...common, kind: "not", children: [first] };
    case "OPERATOR_IS_NULL":
      return { ...common, kind: "is_null", children: [first] };
    case "OPERATOR_IS_NOT_NULL":
      return { ...common, kind: "is_not_null", children: [first] };
    case "OPERATOR_COALESCE":
      return { ...common, kind: "coalesce", children };
    default:
      return refuse("expression_refused", { at: common.at, construct: textAt(node, "type").toLowerCase() });
  }
}

function readCall(node: JsonObject, common: Common): Expression {
  const name = textAt(node, "name");
  if (!isBuiltIn(node)) refuse("function_refused", { at: common.at, construct: `${name}()` });
  const data = node["function_data"];
  const mayOverflow = isObject(data) && data["check_overflow"] === true;
  const children = listAt(node, "children").map(readExpression);
  return { ...common, kind: "call", name, children, operator: node["is_operator"] === true, mayOverflow };
}

/** A value of the plan, as it stands in an expression or in a function's data. */
export function readConstant(value: JsonObject, at: number | undefined): Expression {
  const type = typeName(objectAt(value, "type"));
  if (value["is_null"] === true) return { kind: "constant", type, at, value: null };
  const text = constantText(type, value["value"]);
  if (text === undefined) return refuse("expression_refused", { at, construct: `${type.toLowerCase()} constant` });
  return { kind: "constant", type, at, value: text };
}

/** Constants of other types (dates, intervals) come as casts of text, or are refused. */
function constantText(type: string, value: Json | undefined): string | undefined {
  if (type === "VARCHAR") return typeof value === "string" ? value : undefined;
  if (type === "BOOLEAN") return typeof value === "boolean" ? String(value) : undefined;
  if (/^U?(TINYINT|SMALLINT|INTEGER|BIGINT)$/.test(type)) return integerText(value);
  if (type === "DOUBLE" || type === "FLOAT") return doubleText(value);
  if (type === "HUGEINT" && isObject(value)) return hugeintText(value);
  const decimal = /^DECIMAL\(\d+,(\d+)\)$/.exec(type);
  return decimal ? decimalText(value, Number(decimal[1])) : undefined;
}

function integerText(value: Json | undefined): string | undefined {
  return typeof value === "bigint" || (typeof value === "number" && Number.isSafeInteger(value))
    ? String(value)
    : undefined;
}

function doubleText(value: Json | undefined): string | undefined {
  return typeof value === "number" || typeof value === "bigint" ? String(value) : undefined;
}

function hugeintText(value: JsonObject): string | undefined {
  const upper = integerText(value["upper"]);
  const lower = integerText(value["lower"]);
  if (upper === undefined || lower === undefined) return undefined;
  return String((BigInt(upper) << 64n) + BigInt(lower));
}

/** Decimals are written without their point. */
function decimalText(value: Json | undefined, scale: number): string | undefined {
  const unscaled = isObject(value) ? hugeintText(value) : integerText(value);
  if (unscaled === undefined || scale === 0) return unscaled;
  const negative = unscaled.startsWith("-");
  const digits = unscaled.replace("-", "").padStart(scale + 1, "0");
  return `${negative ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
