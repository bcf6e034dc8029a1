import { badArgument, splitCase } from "./contribution.ts";
import { placeOf, type ColumnExpression, type Expression } from "./expression.ts";
import { manifestColumn, type ColumnScope } from "./generalise.ts";
import { labelOf, type Aggregate, type Condition } from "./ir.ts";
import type { PlanAggregate } from "./plan-window.ts";
import { refuse } from "./refusal.ts";
import { isNumeric, keepsValues } from "./types.ts";

/** Fractions are multiples of 1 / 200: a fraction that can be moved freely would count the rows below any bin. */
const STEPS = 200;

/**
 * Quantiles of one measure as it stands. A measure that is shifted or scaled would move the bins to which the result is
 * rounded, and several of them would close in on the value: arithmetic comes after the quantile.
 */
export function readQuantile(scope: ColumnScope, call: PlanAggregate, where: Condition): Aggregate {
  const { quantiles } = call;
  if (!quantiles) throw new Error("the plan of a quantile holds no fractions");
  if (call.distinct) return refuse("aggregate_not_available", { at: call.at, construct: `${call.name}(DISTINCT …)` });
  const { condition, value, elseZero } = splitCase(scope, call, where);
  if (elseZero) return badArgument(call, "CASE with another ELSE");
  const argument = bareMeasure(scope, call, value);
  return {
    kind: "quantile",
    quantile: {
      points: quantiles.points.map((point) => fraction(call, point)),
      discrete: call.name === "quantile_disc",
      descending: quantiles.descending,
      list: quantiles.list,
    },
    argument,
    filter: condition,
    elseZero: false,
    type: call.type,
  };
}

function fraction(call: PlanAggregate, text: string): string {
  const point = Number(text);
  const isOnStep = Math.abs(point * STEPS - Math.round(point * STEPS)) < 1e-9;
  if (point > 0 && point < 1 && isOnStep) return String(Math.round(point * STEPS) / STEPS);
  return refuse("aggregate_argument_refused", {
    at: call.at,
    construct: `${call.name}(…, ${text.slice(0, 20)})`,
    suggestion: "Ask for fractions between 0.005 and 0.995 in steps of 0.005",
  });
}

function bareMeasure(scope: ColumnScope, call: PlanAggregate, value: Expression): ColumnExpression {
  let part = value;
  while (part.kind === "cast" && keepsValues(part.child.type, part.type)) part = part.child;
  if (part.kind !== "column") {
    return refuse("aggregate_argument_refused", {
      at: call.at ?? placeOf(value),
      construct: `${call.name}(…)`,
      suggestion: `Take the ${call.name === "median" ? "median" : "quantile"} of the measure itself, and compute with it afterwards`,
    });
  }
  const known = manifestColumn(scope, part);
  const [role, name] = [known.role, labelOf(known)];
  if (role !== "measure") refuse("measure_required", { at: placeOf(value), construct: name });
  if (isNumeric(part.type)) return part;
  return refuse("aggregate_argument_refused", {
    at: placeOf(value),
    construct: name,
    suggestion: "Group by periods (date_trunc) and count instead",
  });
}
