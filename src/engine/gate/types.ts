import { indexAt, isObject, PlanFormatError, textAt, type JsonObject } from "./plan-json.ts";
import { refuse } from "./refusal.ts";

const PLAIN = new Set([
  "NULL",
  "BOOLEAN",
  "TINYINT",
  "SMALLINT",
  "INTEGER",
  "BIGINT",
  "HUGEINT",
  "UTINYINT",
  "USMALLINT",
  "UINTEGER",
  "UBIGINT",
  "UHUGEINT",
  "FLOAT",
  "DOUBLE",
  "VARCHAR",
  "DATE",
  "TIME",
  "TIMESTAMP",
  "TIMESTAMP WITH TIME ZONE",
  "TIMESTAMP_S",
  "TIMESTAMP_MS",
  "TIMESTAMP_NS",
  "UUID",
  "BLOB",
  "ENUM",
  "LIST",
  "STRUCT",
]);

/** DuckDB's name of a type in the plan, as it can be written in SQL again. Nested and enum types keep a bare name. */
export function typeName(node: JsonObject): string {
  const id = textAt(node, "id");
  if (id === "DECIMAL") return decimalName(node);
  if (!PLAIN.has(id)) refuse("expression_refused", { construct: `type ${id.toLowerCase()}` });
  return id;
}

function decimalName(node: JsonObject): string {
  const info = node["type_info"];
  if (!isObject(info)) throw new PlanFormatError("a decimal type has no width");
  return `DECIMAL(${indexAt(info, "width")},${info["scale"] === undefined ? 0 : indexAt(info, "scale")})`;
}

export function isInteger(type: string): boolean {
  return /^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/.test(type);
}

export function isDecimal(type: string): boolean {
  return type.startsWith("DECIMAL(");
}

export function isFloating(type: string): boolean {
  return type === "DOUBLE" || type === "FLOAT";
}

export function isNumeric(type: string): boolean {
  return isInteger(type) || isDecimal(type) || isFloating(type);
}

export function isTemporal(type: string): boolean {
  return type === "DATE" || type.startsWith("TIMESTAMP");
}

const INTEGER_DIGITS: Readonly<Record<string, number>> = {
  UTINYINT: 3,
  TINYINT: 3,
  USMALLINT: 5,
  SMALLINT: 5,
  UINTEGER: 10,
  INTEGER: 10,
  UBIGINT: 20,
  BIGINT: 19,
  UHUGEINT: 39,
  HUGEINT: 39,
};

/**
 * Whether a cast keeps every value as it is. Others round, or fail for large values: both would put a limit between
 * values where the developer may not put one.
 */
export function keepsValues(from: string, to: string): boolean {
  if (from === to || (isTemporal(from) && isTemporal(to))) return true;
  if (to === "DOUBLE") return isNumeric(from);
  const [digits, wanted] = [INTEGER_DIGITS[from], INTEGER_DIGITS[to]];
  if (digits !== undefined && wanted !== undefined)
    return wanted > digits && (!to.startsWith("U") || from.startsWith("U"));
  const [, width, scale] = /^DECIMAL\((\d+),(\d+)\)$/.exec(to) ?? [];
  if (width === undefined) return false;
  const [, ownWidth, ownScale] = /^DECIMAL\((\d+),(\d+)\)$/.exec(from) ?? [undefined, digits, 0];
  return (
    ownWidth !== undefined &&
    Number(scale) >= Number(ownScale) &&
    Number(width) - Number(scale) >= Number(ownWidth) - Number(ownScale)
  );
}
