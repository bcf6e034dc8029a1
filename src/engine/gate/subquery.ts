import type { DerivedScope } from "./derived.ts";
import type { Expression } from "./expression.ts";
import { markRows } from "./mark.ts";
import type { Plan } from "./plan.ts";
import { substitute } from "./post.ts";
import type { RawRelation } from "./relation.ts";
import { refuse } from "./refusal.ts";

interface Sides {
  left: RawRelation;
  right: RawRelation;
}

/** What a correlated subquery sees of the row outside, as one row. */
export function outerRow(columns: readonly Expression[] | undefined, types: readonly string[]): RawRelation {
  const isSame = columns?.length === types.length && columns.every(({ type }, i) => type === types[i]);
  if (!columns || !isSame) return refuse("subquery_refused", { construct: "nested correlation" });
  return { grain: "raw", from: undefined, filters: [], columns: [...columns] };
}

/** EXISTS and IN over rows: the rows of the left with one column more. */
export function markedRows(
  scope: DerivedScope,
  plan: Extract<Plan, { op: "subquery" }>,
  { left, right }: Sides,
): RawRelation {
  const tested = testsOf(plan, { left, right });
  if (tested.length > 1 || (tested.length === 1 && plan.outer.length > 0)) {
    return refuse("subquery_refused", {
      construct: "IN over a subquery",
      word: "in",
      suggestion: "Write it with EXISTS",
    });
  }
  const { from, mark } = markRows(scope, { left, right, probes: tested, isIn: tested.length === 1 });
  return { ...left, from, columns: [...left.columns, mark] };
}

/** The comparisons of IN; those that only tie a correlated subquery to the row outside say nothing. */
function testsOf(plan: Extract<Plan, { op: "subquery" }>, { left, right }: Sides): [Expression, Expression][] {
  return plan.conditions.flatMap((condition): [Expression, Expression][] => {
    const [a, b] = [substitute(condition.left, left.columns), substitute(condition.right, right.columns)];
    if (condition.operator === "=") return [[a, b]];
    const isTie = condition.operator === "IS NOT DISTINCT FROM" && JSON.stringify(a) === JSON.stringify(b);
    return isTie
      ? []
      : refuse("subquery_refused", {
          construct: `${condition.operator} over a subquery`,
          word: "select",
          suggestion: compared,
        });
  });
}

const compared = "Compare with a constant, or test by EXISTS with equal keys";

/** SEMI and ANTI JOIN: a row of the left once when it has a partner, or when it has none. */
export function halfJoin(
  scope: DerivedScope,
  plan: Extract<Plan, { op: "join" }>,
  { left, right }: Sides,
): RawRelation {
  const probes = plan.conditions.map((condition): [Expression, Expression] => {
    if (condition.operator !== "=")
      return refuse("join_form_refused", { construct: `join on ${condition.operator}`, word: "join" });
    return [substitute(condition.left, left.columns), substitute(condition.right, right.columns)];
  });
  const { from, mark } = markRows(scope, { left, right, probes, isIn: false });
  const condition: Expression = plan.kind === "semi" ? mark : { kind: "not", type: "BOOLEAN", children: [mark] };
  return { ...left, from, filters: [...left.filters, condition] };
}
