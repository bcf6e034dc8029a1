import { checkFunctions, isOpen } from "./atom.ts";
import { columnsOf, type Expression } from "./expression.ts";
import { manifestColumn, maskGeneralisations, type ColumnScope } from "./generalise.ts";
import type { Key } from "./ir.ts";
import { refuse } from "./refusal.ts";

/** A grouping key: functions of dimension and public columns, and generalisations that the manifest lists. */
export function readKey(scope: ColumnScope, expression: Expression): Key {
  const { rest, count } = maskGeneralisations(scope, expression);
  for (const column of columnsOf(rest)) {
    const manifest = manifestColumn(scope, column);
    if (isOpen(manifest)) continue;
    const steps = manifest.generalise ?? [];
    const suggestion =
      steps.length > 0 && manifest.role !== "sensitive"
        ? `Group by a generalisation of it: ${steps.join(", ")}`
        : suggestFor(manifest.role);
    refuse("key_refused", { construct: column.name, suggestion });
  }
  checkFunctions(rest);
  return { expression, type: expression.type, generalised: count > 0 };
}

function suggestFor(role: string): string | undefined {
  if (role === "sensitive") return "Count with count(*) FILTER (WHERE column = value) per dimension instead";
  if (role === "measure") return "Aggregate the measure with sum or avg instead";
  return undefined;
}
