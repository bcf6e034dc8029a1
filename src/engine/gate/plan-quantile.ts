import { readConstant } from "./plan-expression.ts";
import { listAt, objectAt, PlanFormatError, textAt, type JsonObject } from "./plan-json.ts";
import { refuse } from "./refusal.ts";
import { typeName } from "./types.ts";

export interface PlanQuantiles {
  /** Decimal numbers as text. */
  points: string[];
  descending: boolean;
  list: boolean;
}

/** The binder calls `percentile_cont` and `quantile` by these names too. */
export function isQuantile(name: string): boolean {
  return name === "median" || name === "quantile_cont" || name === "quantile_disc";
}

/** A quantile's fractions stand in the function's own data: the arguments hold only the value. */
export function readQuantiles(node: JsonObject, returned: JsonObject): { type: string; quantiles: PlanQuantiles } {
  const data = objectAt(node, "function_data");
  if (typeof data["desc"] !== "boolean") throw new PlanFormatError("a quantile does not say its order");
  const points = listAt(data, "quantiles").map((point) => {
    const constant = readConstant(point, undefined);
    if (constant.kind !== "constant" || constant.value === null) {
      return refuse("aggregate_argument_refused", { construct: "quantile of NULL" });
    }
    return constant.value;
  });
  const list = textAt(returned, "id") === "LIST";
  const type = list ? `${typeName(objectAt(objectAt(returned, "type_info"), "child_type"))}[]` : typeName(returned);
  return { type, quantiles: { points, descending: data["desc"], list } };
}
