import { aggregateRows, callsOf, oneSet } from "./aggregate-rows.ts";
import { cells, leafOf } from "./cells.ts";
import { manifestColumn } from "./generalise.ts";
import { columnsOf, placeOf, withoutIdleCasts, type Expression } from "./expression.ts";
import { joinRelations, readPair } from "./from.ts";
import { columnOf, labelOf, type From, type GateCatalogue, type SafeStatement, type TableReference } from "./ir.ts";
import type { Plan } from "./plan.ts";
import type { PlanOrder } from "./plan-window.ts";
import { substitute } from "./post.ts";
import type { PostRelation, RawRelation, Relation } from "./relation.ts";
import { refuse } from "./refusal.ts";
import { knownMarks } from "./mark.ts";
import { derive, derivedColumn } from "./derived.ts";
import { oneRow, type OneRow } from "./one-row.ts";
import { derivedRows, optionalRows } from "./rows.ts";
import { halfJoin, markedRows, outerRow } from "./subquery.ts";
import {
  linkedLeaves,
  postAggregate,
  postFilter,
  postJoin,
  postMark,
  postOrder,
  postProject,
  postUnion,
  postWindow,
  toPost,
  type PostScope,
} from "./to-post.ts";
import { isUnit, unitRows } from "./unit.ts";

interface Scope extends PostScope {
  ctes: Map<number, Plan>;
  /** In a correlated subquery: what it reads of the rows outside. */
  outer?: readonly Expression[];
  /** Only public tables are read: every step is one over what may leave. */
  open?: true;
}

/**
 * Gate 2: the bound plan, bottom up, as aggregations over base tables (leaves) and steps over their cells. Each operator
 * below says what it makes of its input's grain; what is not said is refused.
 */
export function analyse(plan: Plan, catalogue: GateCatalogue): SafeStatement {
  const tables: TableReference[] = [];
  const scope: Scope = {
    catalogue,
    tables,
    ctes: new Map(),
    leaves: [],
    leafOf: (own) => leafOf({ catalogue, tables }, own),
  };
  const relation = relationOf(scope, plan);
  if (relation.grain === "raw") return refuseRows(scope, relation);
  if (relation.grain === "cell") return { leaves: [scope.leafOf(relation)], linked: [] };
  if (scope.leaves.length === 0) return refuse("rows_not_aggregated");
  return { leaves: scope.leaves, post: relation.post, linked: linkedLeaves(scope.leaves) };
}

/** Names the first column that would leave. */
function refuseRows(scope: Scope, { columns }: RawRelation): never {
  const first = columns.flatMap(columnsOf)[0];
  const construct = first && labelOf(manifestColumn(scope, first));
  return refuse("rows_not_aggregated", {
    at: columns.map(placeOf).find((at) => at !== undefined),
    construct,
    word: construct && (/^\w+/.exec(construct)?.[0] ?? construct),
  });
}

function relationOf(scope: Scope, plan: Plan): Relation {
  switch (plan.op) {
    case "get":
      return scan(scope, plan);
    case "dummy":
      return { grain: "raw", from: undefined, filters: [], columns: [] };
    case "project":
      return project(relationOf(scope, plan.child), plan.expressions);
    case "filter":
      return filter(scope, relationOf(scope, plan.child), plan.expressions);
    case "join":
    case "cross":
      return join(scope, plan);
    case "subquery":
      return subquery(scope, plan);
    case "outer":
      return outerRow(scope.outer, plan.types);
    case "aggregate":
      return aggregate(scope, plan);
    case "distinct":
      return distinct(scope, relationOf(scope, plan.child));
    case "order":
      return sort(scope, relationOf(scope, plan.child), plan.orders);
    case "limit":
      return cut(scope, relationOf(scope, plan.child), plan);
    case "window":
      return windowed(scope, plan);
    case "union":
      return united(scope, plan);
    case "cte":
      scope.ctes.set(plan.index, plan.definition);
      return relationOf(scope, plan.child);
    case "cte_ref":
      return relationOf(
        scope,
        scope.ctes.get(plan.index) ?? refuse("operator_refused", { construct: "recursive CTE" }),
      );
  }
}

/** Windows over rows could single out one; over cells they see what may leave. */
function windowed(scope: Scope, plan: Extract<Plan, { op: "window" }>): PostRelation {
  const child = relationOf(scope, plan.child);
  if (child.grain === "raw" && child.from) {
    const construct = `${plan.windows[0]?.name ?? "window"}() over rows`;
    return refuse("window_refused", {
      at: plan.windows[0]?.at,
      construct,
      suggestion: "Aggregate first: windows see the cells",
    });
  }
  return postWindow(toPost(scope, child), plan);
}

function united(scope: Scope, plan: Extract<Plan, { op: "union" }>): Relation {
  const children = plan.children.map((child) => relationOf(scope, child));
  if (children.every((child): child is RawRelation => child.grain === "raw" && child.from !== undefined)) {
    if (plan.kind === "UNION ALL") return derivedRows(scope, children);
    return refuse("set_operation_refused", {
      construct: plan.kind,
      word: /^\w+/.exec(plan.kind)?.[0],
      suggestion: "Use UNION ALL, or aggregate each part",
    });
  }
  const parts = children.map((child) => toPost(scope, child));
  return postUnion(plan.kind, parts);
}

/** Base table → raw. */
function scan(scope: Scope, plan: Extract<Plan, { op: "get" }>): RawRelation {
  const product = scope.catalogue.products.get(plan.table) ?? refuse("table_refused", { construct: plan.table });
  const table = scope.tables.length;
  scope.tables.push({
    product: plan.table,
    ...(product.subjectKey === undefined ? {} : { subjectKey: product.subjectKey }),
  });
  const columns = plan.columns.map((name, i): Expression => {
    // The row id stands in for count(*): it must never be read.
    if (name === undefined) return { kind: "constant", type: "BIGINT", value: "0" };
    if (!columnOf(scope.catalogue, plan.table, name)) refuse("table_refused", { construct: `${plan.table}.${name}` });
    return { kind: "column", table, name, type: plan.types[i]! };
  });
  return { grain: "raw", from: { kind: "table", table }, filters: [], columns };
}

/** Raw stays raw, cells stay cells. */
function project(child: Relation, expressions: readonly Expression[]): Relation {
  if (child.grain === "post") return postProject(child, expressions);
  return { ...child, columns: expressions.map((expression) => substitute(expression, child.columns)) };
}

/** On raw a condition on rows; on cells HAVING, evaluated after suppression. */
function filter(scope: Scope, child: Relation, expressions: readonly Expression[]): Relation {
  if (child.grain === "post" || isCut(child)) return postFilter(toPost(scope, child), expressions);
  const conditions = expressions.map((expression) => substitute(expression, child.columns));
  if (child.grain === "raw") return { ...child, filters: [...child.filters, ...conditions.map(knownMarks)] };
  return { ...child, having: [...child.having, ...conditions] };
}

/** What comes after a LIMIT is a further step. */
function isCut(child: Relation): boolean {
  return child.grain === "cell" && (child.limit !== undefined || child.offset > 0);
}

/** EXISTS and IN: a condition on the rows of the left; over cells a step like any other. */
function subquery(scope: Scope, plan: Extract<Plan, { op: "subquery" }>): Relation {
  const left = relationOf(scope, plan.left);
  if (plan.kind === "single") {
    const suggestion = "Join it in FROM: a LEFT JOIN, or a per-subject query with GROUP BY the subject key";
    return refuse("subquery_refused", { construct: "correlated scalar subquery", word: "select", suggestion });
  }
  const own = left.grain === "raw" ? left.columns : undefined;
  const outer = own && plan.outer.map((expression) => substitute(expression, own));
  const right = relationOf(outer ? { ...scope, outer } : scope, plan.right);
  if (left.grain === "raw" && right.grain === "raw") return markedRows(scope, plan, { left, right });
  if (plan.outer.length > 0) return refuse("reentry_refused", { construct: "correlated subquery over aggregates" });
  return postMark(plan, toPost(scope, left), toPost(scope, right));
}

/** Raw with raw on allowed equalities; cells with cells and public rows on anything; cells never steer raw rows. */
function join(scope: Scope, plan: Extract<Plan, { op: "join" | "cross" }>): Relation {
  const left = relationOf(scope, plan.left);
  const one = plan.op === "cross" && left.grain === "raw" && oneRow(scope.catalogue, plan.right);
  if (one && left.grain === "raw" && left.from) return besideOne(scope, left, one);
  const right = relationOf(scope, plan.right);
  if (left.grain !== "raw" || right.grain !== "raw") return postJoin(plan, toPost(scope, left), toPost(scope, right));
  if (plan.op === "cross") return joinRelations(scope, { join: "inner", left, right, pairs: [] });
  if (plan.kind === "semi" || plan.kind === "anti") return halfJoin(scope, plan, { left, right });
  if (plan.kind !== "inner" && plan.kind !== "left") {
    const suggestion = "Use a LEFT JOIN from the table whose subjects are counted";
    return refuse("join_form_refused", { construct: `${plan.kind} join of rows`, suggestion });
  }
  const other = plan.kind === "left" ? optionalRows(scope, right) : right;
  const pairs = plan.conditions.map((condition) => {
    if (condition.operator !== "=")
      return refuse("join_form_refused", { construct: `join on ${condition.operator}`, word: "join" });
    return readPair(scope, substitute(condition.left, left.columns), substitute(condition.right, other.columns));
  });
  return joinRelations(scope, { join: plan.kind, left, right: other, pairs });
}

/** Rows beside the one row that a scalar subquery over public tables, or over constants, comes to. */
function besideOne(scope: Scope, left: RawRelation, one: OneRow): RawRelation {
  if (one.kind === "constants") return { ...left, columns: [...left.columns, ...one.values] };
  const row = toPost(scope, relationOf({ ...scope, open: true }, one.plan));
  const known = row.types.map((type, i) => derivedColumn(`c${i}`, { role: "public", type }));
  const { from, columns } = derive(scope, { kind: "public", post: row.post }, known);
  const joined: From = { kind: "join", join: "cross", left: left.from!, right: from, on: [] };
  return { ...left, from: joined, columns: [...left.columns, ...columns] };
}

/** Raw → cells; cells → a step over them. */
function aggregate(scope: Scope, plan: Extract<Plan, { op: "aggregate" }>): Relation {
  const child = relationOf(scope, plan.child);
  if (child.grain !== "raw" || scope.open) return postAggregate(toPost(scope, child), plan);
  if (plan.sets.length === 1 && plan.levels.length === 0) {
    const groups = plan.groups.map((group) => substitute(group, child.columns));
    if (isUnit(scope, groups)) return unitRows(scope, child, { groups, calls: callsOf(plan, child) });
    return aggregateRows(scope, child, plan);
  }
  const sets = plan.sets.map((set) => oneSet(scope, { child, plan, set }));
  return sets.length === 1 ? sets[0]! : postUnion("UNION ALL", sets);
}

/** SELECT DISTINCT of raw columns is grouping by them; of cells it is a step, when it changes anything. */
function distinct(scope: Scope, child: Relation): Relation {
  if (child.grain === "raw" && isUnit(scope, child.columns)) {
    return unitRows(scope, child, { groups: child.columns, calls: [] });
  }
  if (child.grain === "raw") return cells(scope, child, child.columns);
  const shown = new Set(
    child.grain === "post"
      ? []
      : child.columns.map(withoutIdleCasts).flatMap((column) => (column.kind === "cell" ? [column.index] : [])),
  );
  if (child.grain === "cell" && child.keys.every((_, index) => shown.has(index))) return child;
  const post = toPost(scope, child);
  return { ...post, post: { op: "distinct", child: post.post } };
}

function sort(scope: Scope, child: Relation, orders: readonly PlanOrder[]): Relation {
  if (child.grain === "raw") return child;
  if (child.grain === "post" || isCut(child)) return postOrder(toPost(scope, child), orders);
  const order = orders.map((one) => ({ ...one, expression: substitute(one.expression, child.columns) }));
  return { ...child, order };
}

/** A limit over raw rows would choose among them; over cells it is applied to what is released. */
function cut(scope: Scope, child: Relation, plan: Extract<Plan, { op: "limit" }>): Relation {
  if (child.grain === "raw") return refuse("rows_not_aggregated", { construct: "LIMIT" });
  const { limit, offset } = plan;
  if (child.grain === "cell" && !isCut(child)) return { ...child, limit, offset };
  const post = toPost(scope, child);
  return { ...post, post: { op: "limit", limit, offset, child: post.post } };
}
