import { checkFunctions, isCounted, isOpen } from "./atom.ts";
import { readCondition } from "./condition.ts";
import { columnsOf, type Expression } from "./expression.ts";
import { isMissing } from "./from.ts";
import { manifestColumn, maskGeneralisations, type ColumnScope } from "./generalise.ts";
import { labelOf, type Key } from "./ir.ts";
import { refuse } from "./refusal.ts";

/** A grouping key: functions of dimension and public columns, and generalisations that the manifest lists. */
export function readKey(scope: ColumnScope, expression: Expression): Key {
  if (isClassOf(scope, expression, "measure")) return readClasses(scope, expression);
  const { rest, count } = maskGeneralisations(scope, expression);
  let generalised = count > 0;
  for (const column of columnsOf(rest)) {
    const manifest = manifestColumn(scope, column);
    if (manifest.generalised || isCounted(manifest) || isMissing(scope, column)) generalised = true;
    if (manifest.sensitive === undefined && (isOpen(manifest) || isCounted(manifest))) continue;
    const steps = manifest.generalise ?? [];
    const suggestion =
      steps.length > 0 && manifest.role !== "sensitive"
        ? `Group by a generalisation of it: ${steps.join(", ")}`
        : suggestFor(manifest.sensitive === undefined ? manifest.role : "sensitive");
    refuse("key_refused", { construct: labelOf(manifest), suggestion });
  }
  checkFunctions(rest);
  return { expression, type: expression.type, generalised };
}

function isClassOf(scope: ColumnScope, expression: Expression, role: string): expression is CaseExpression {
  if (expression.kind !== "case") return false;
  return columnsOf(expression)
    .map((column) => manifestColumn(scope, column))
    .some((column) => column.role === role && !isCounted(column));
}

type CaseExpression = Extract<Expression, { kind: "case" }>;

/** CASE WHEN income < 20000 THEN 'low' …: classes of a measure, cut where a condition may cut it; labels are constants. */
function readClasses(scope: ColumnScope, expression: CaseExpression): Key {
  for (const check of expression.checks) readCondition(scope, [check.when]);
  const labels = [...expression.checks.map((check) => check.value), expression.otherwise];
  const named = labels.flatMap(columnsOf)[0];
  if (named) refuse("key_refused", { construct: named.name, suggestion: "Give each class a constant label" });
  labels.forEach(checkFunctions);
  return { expression, type: expression.type, generalised: true };
}

function suggestFor(role: string): string | undefined {
  if (role === "sensitive") return "Count with count(*) FILTER (WHERE column = value) per dimension instead";
  if (role === "measure") return "Aggregate the measure with sum or avg instead";
  return undefined;
}
