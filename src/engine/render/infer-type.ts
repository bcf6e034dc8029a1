import { BIGINT, BOOLEAN, DOUBLE, VARCHAR, type DuckDBType } from "@duckdb/node-api";
import { InvalidTable } from "./invalid-table.ts";

/** The type that fits all values; VARCHAR when there is none. */
export function inferType(column: string, values: readonly unknown[]): DuckDBType {
  const kinds = new Set(values.map(kindOf));
  kinds.delete("null");
  if (kinds.has("other"))
    throw new InvalidTable("a list or object in a column needs the declared type VARCHAR", column);
  if (kinds.size === 0) return VARCHAR;
  if (kinds.size === 1) {
    if (kinds.has("boolean")) return BOOLEAN;
    if (kinds.has("integer")) return BIGINT;
    return kinds.has("number") ? DOUBLE : VARCHAR;
  }
  if (kinds.size === 2 && kinds.has("integer") && kinds.has("number")) return DOUBLE;
  throw new InvalidTable("a column with values of several types needs the declared type VARCHAR", column);
}

function kindOf(value: unknown): "null" | "boolean" | "integer" | "number" | "string" | "other" {
  if (value === null) return "null";
  if (typeof value === "boolean") return "boolean";
  if (typeof value === "string") return "string";
  if (typeof value !== "number") return "other";
  // a negative zero has no integer
  return Number.isSafeInteger(value) && !Object.is(value, -0) ? "integer" : "number";
}
