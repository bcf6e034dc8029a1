import { readAggregate } from "./aggregates.ts";
import { readCondition } from "./condition.ts";
import { withoutIdleCasts, type Expression } from "./expression.ts";
import { connectFilters, joinRelations, readPair, subjectClasses } from "./from.ts";
import { columnOf, type GateCatalogue, type SafeQuery, type TableReference } from "./ir.ts";
import { readKey } from "./keys.ts";
import type { Plan } from "./plan.ts";
import { readPost, substitute } from "./post.ts";
import type { CellRelation, RawRelation, Relation } from "./relation.ts";
import { refuse } from "./refusal.ts";

/** Filtered aggregates in one statement: their regions are counted one by one. */
const MOST_FILTERED = 16;

interface Scope {
  catalogue: GateCatalogue;
  tables: TableReference[];
  ctes: Map<number, Plan>;
}

/**
 * Gate 2: the bound plan, bottom up, as one aggregation over base tables and steps over its cells. Each operator
 * below says what it makes of its input's grain; what is not said is refused.
 */
export function analyse(plan: Plan, catalogue: GateCatalogue): SafeQuery {
  const scope: Scope = { catalogue, tables: [], ctes: new Map() };
  const relation = relationOf(scope, plan);
  if (relation.grain === "raw") return refuse("rows_not_aggregated");
  const { raw, subjects, keys, aggregates, columns, having, order, limit, offset } = relation;
  if (!raw.from) return refuse("rows_not_aggregated");
  return {
    tables: scope.tables,
    from: raw.from,
    where: readCondition(scope, raw.filters),
    subjects,
    keys,
    aggregates,
    outputs: columns.map(readPost),
    having: having.map(readPost),
    order: order.map((one) => ({ ...one, expression: readPost(one.expression) })),
    ...(limit === undefined ? {} : { limit }),
    offset,
  };
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
      return filter(relationOf(scope, plan.child), plan.expressions);
    case "join":
    case "cross":
      return join(scope, plan);
    case "aggregate":
      return aggregate(scope, plan);
    case "distinct":
      return distinct(scope, relationOf(scope, plan.child));
    case "order":
      return sort(relationOf(scope, plan.child), plan.orders);
    case "limit":
      return cut(relationOf(scope, plan.child), plan);
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
  return { ...child, columns: expressions.map((expression) => substitute(expression, child.columns)) };
}

/** On raw a condition on rows; on cells HAVING, evaluated after suppression. */
function filter(child: Relation, expressions: readonly Expression[]): Relation {
  const conditions = expressions.map((expression) => substitute(expression, child.columns));
  if (child.grain === "raw") return { ...child, filters: [...child.filters, ...conditions] };
  checkNoLimit(child, "condition");
  return { ...child, having: [...child.having, ...conditions] };
}

function checkNoLimit(child: CellRelation, construct: string): void {
  if (child.limit !== undefined || child.offset > 0)
    refuse("post_form_refused", { construct: `${construct} after LIMIT` });
}

/** Raw with raw on allowed equalities; an aggregate on either side would steer rows. */
function join(scope: Scope, plan: Extract<Plan, { op: "join" | "cross" }>): RawRelation {
  const left = relationOf(scope, plan.left);
  const right = relationOf(scope, plan.right);
  if (left.grain !== "raw" || right.grain !== "raw") return refuse("reentry_refused");
  if (plan.op === "cross") return joinRelations(scope, { join: "inner", left, right, pairs: [] });
  const pairs = plan.conditions.map((condition) => {
    if (condition.operator !== "=") return refuse("join_form_refused", { construct: `join on ${condition.operator}` });
    return readPair(scope, substitute(condition.left, left.columns), substitute(condition.right, right.columns));
  });
  return joinRelations(scope, { join: plan.kind, left, right, pairs });
}

/** Raw → cells. */
function aggregate(scope: Scope, plan: Extract<Plan, { op: "aggregate" }>): CellRelation {
  const child = relationOf(scope, plan.child);
  if (child.grain === "cell") return refuse("reentry_refused", { construct: "aggregate of aggregates" });
  const groups = plan.groups.map((group) => substitute(group, child.columns));
  const relation = cells(scope, child, groups);
  const calls = plan.aggregates.map((call) => ({
    ...call,
    children: call.children.map((argument) => substitute(argument, child.columns)),
    filter: call.filter && substitute(call.filter, child.columns),
  }));
  relation.aggregates = calls.map((call) => readAggregate({ ...scope, subjects: relation.subjects }, call));
  if (relation.aggregates.filter((one) => one.filter.every((atoms) => atoms.length > 0)).length > MOST_FILTERED) {
    return refuse("predicate_too_complex", { construct: "FILTER" });
  }
  relation.columns = [...relation.keys, ...relation.aggregates].map(({ type }, index) => ({
    kind: "cell",
    index,
    type,
  }));
  return relation;
}

function cells(scope: Scope, child: RawRelation, groups: readonly Expression[]): CellRelation {
  const raw = connectFilters(scope, child);
  const subjects = raw.from ? subjectClasses(scope.tables, raw.from) : [];
  checkProtected(scope);
  const keys = groups.map((group) => readKey(scope, group));
  const columns = keys.map(({ type }, index): Expression => ({ kind: "cell", index, type }));
  return {
    grain: "cell",
    raw,
    subjects,
    keys,
    aggregates: [],
    columns,
    having: [],
    order: [],
    limit: undefined,
    offset: 0,
  };
}

/** A table with protected columns and no subject key cannot be judged: there is nothing to count. */
function checkProtected(scope: Scope): void {
  for (const { product, subjectKey } of scope.tables) {
    const roles = scope.catalogue.products.get(product)?.columns.map((column) => column.role) ?? [];
    const isProtected = roles.some((role) => role !== "public" && role !== "dimension" && role !== "measure");
    if (subjectKey === undefined && isProtected) refuse("subject_key_missing", { construct: product });
  }
}

/** SELECT DISTINCT of raw columns is grouping by them; of cells it must change nothing. */
function distinct(scope: Scope, child: Relation): CellRelation {
  if (child.grain === "raw") return cells(scope, child, child.columns);
  const shown = new Set(
    child.columns.map(withoutIdleCasts).flatMap((column) => (column.kind === "cell" ? [column.index] : [])),
  );
  if (!child.keys.every((_, index) => shown.has(index))) refuse("distinct_refused");
  return child;
}

function sort(
  child: Relation,
  orders: readonly { expression: Expression; descending: boolean; nullsFirst: boolean }[],
): Relation {
  if (child.grain === "raw") return child;
  checkNoLimit(child, "ORDER BY");
  const order = orders.map((one) => ({ ...one, expression: substitute(one.expression, child.columns) }));
  return { ...child, order };
}

/** A limit over raw rows would choose among them; over cells it is applied to what is released. */
function cut(child: Relation, plan: Extract<Plan, { op: "limit" }>): Relation {
  if (child.grain === "raw") return refuse("rows_not_aggregated", { construct: "LIMIT" });
  checkNoLimit(child, "LIMIT");
  return { ...child, limit: plan.limit, offset: plan.offset };
}
