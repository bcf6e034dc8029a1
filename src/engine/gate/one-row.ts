import type { Expression } from "./expression.ts";
import type { GateCatalogue } from "./ir.ts";
import type { Plan } from "./plan.ts";

/** What a scalar subquery is: constants, or a plan over public tables that has exactly one row. */
export type OneRow = { kind: "constants"; values: Expression[] } | { kind: "public"; plan: Plan };

export function oneRow(catalogue: GateCatalogue, plan: Plan): OneRow | undefined {
  const values = constantsOf(plan);
  if (values) return { kind: "constants", values };
  if (!hasOneRow(plan)) return undefined;
  const products = productsOf(plan);
  const isPublic = products?.every((product) => {
    const mounted = catalogue.products.get(product);
    return mounted?.subjectKey === undefined && mounted?.columns.every(({ role }) => OPEN.has(role));
  });
  return isPublic ? { kind: "public", plan } : undefined;
}

const OPEN: ReadonlySet<string> = new Set(["public", "dimension", "measure"]);

/** `(SELECT 60)`: the binder puts its guard for several rows around it. */
function constantsOf(plan: Plan): Expression[] | undefined {
  if (plan.op !== "project" || plan.child.op !== "aggregate") return undefined;
  const { aggregates, groups, child } = plan.child;
  if (groups.length > 0 || aggregates[0]?.name !== "first" || child.op !== "project" || child.child.op !== "dummy") {
    return undefined;
  }
  const values = child.expressions;
  return values.length === 1 && plan.expressions.length === 1 ? values : undefined;
}

function hasOneRow(plan: Plan): boolean {
  if (plan.op === "project") return hasOneRow(plan.child);
  return plan.op === "aggregate" && plan.groups.length === 0 && plan.sets.length === 1;
}

/** Absent where a relation is read that is not known here. */
function productsOf(plan: Plan): string[] | undefined {
  switch (plan.op) {
    case "get":
      return [plan.table];
    case "dummy":
      return [];
    case "join":
    case "cross":
    case "subquery":
      return all([plan.left, plan.right]);
    case "union":
      return all(plan.children);
    case "outer":
    case "cte":
    case "cte_ref":
      return undefined;
    default:
      return productsOf(plan.child);
  }
}

function all(plans: readonly Plan[]): string[] | undefined {
  const found = plans.map(productsOf);
  return found.every((one) => one !== undefined) ? found.flat() : undefined;
}
