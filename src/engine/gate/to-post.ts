import { columnsOf, mapExpression, type Expression } from "./expression.ts";
import { WINDOW_FUNCTIONS } from "./functions.ts";
import { everyTable } from "./ir.ts";
import type { GateCatalogue, Order, SafeQuery, TableReference } from "./ir.ts";
import { POST_AGGREGATES, type Post, type PostCall } from "./post-plan.ts";
import type { JoinKind, Plan, SetOperation } from "./plan.ts";
import type { PlanAggregate, PlanOrder } from "./plan-window.ts";
import { readPost } from "./post.ts";
import type { CellRelation, PostRelation, RawRelation, Relation } from "./relation.ts";
import { refuse } from "./refusal.ts";

export interface PostScope {
  catalogue: GateCatalogue;
  tables: TableReference[];
  leaves: SafeQuery[];
  /** One aggregation as a leaf. */
  leafOf: (relation: CellRelation) => SafeQuery;
}

/** A relation as input of steps over cells: cells become a leaf, public rows may join; protected rows never. */
export function toPost(scope: PostScope, relation: Relation): PostRelation {
  if (relation.grain === "post") return relation;
  if (relation.grain === "raw") return publicRows(scope, relation);
  const leaf = scope.leafOf(relation);
  const text = JSON.stringify(leaf);
  const known = scope.leaves.findIndex((one) => JSON.stringify(one) === text);
  if (known < 0) scope.leaves.push(leaf);
  const post: Post = { op: "leaf", leaf: known < 0 ? scope.leaves.length - 1 : known };
  return { grain: "post", post, types: leaf.outputs.map((output) => output.type) };
}

function publicRows(scope: PostScope, raw: RawRelation): PostRelation {
  if (!raw.from) return projected({ op: "one" }, raw.columns);
  if (raw.from.kind !== "table")
    return refuse("reentry_refused", { construct: "joined rows beside aggregates", word: "join" });
  const reference = scope.tables[raw.from.table]!;
  const roles = scope.catalogue.products.get(reference.product)?.columns.map((column) => column.role) ?? [];
  const isPublic =
    reference.subjectKey === undefined &&
    roles.every((role) => role === "public" || role === "dimension" || role === "measure");
  if (!isPublic)
    return refuse("reentry_refused", {
      construct: `rows of ${reference.product}`,
      word: reference.product,
      suggestion: beside(reference),
    });
  const names = [...new Set([...raw.columns, ...raw.filters].flatMap(columnsOf).map((column) => column.name))];
  const asCells = (expression: Expression): Expression =>
    mapExpression(expression, (part) =>
      part.kind === "column" ? { kind: "cell", index: names.indexOf(part.name), type: part.type } : undefined,
    );
  const rows: Post = { op: "public", product: reference.product, columns: names };
  const filtered: Post =
    raw.filters.length === 0 ? rows : { op: "filter", conditions: raw.filters.map(asCells).map(readPost), child: rows };
  return projected(filtered, raw.columns.map(asCells));
}

/** What most people mean who set rows beside aggregates. */
function beside({ product, subjectKey }: TableReference): string {
  return subjectKey === undefined
    ? "Ask for the aggregates only, and combine them afterwards"
    : `Aggregate per subject (GROUP BY ${subjectKey}) and join on ${product}.${subjectKey}, or ask for the aggregates only`;
}

function projected(child: Post, expressions: Expression[]): PostRelation {
  const post: Post = { op: "project", expressions: expressions.map(readPost), child };
  return { grain: "post", post, types: expressions.map((expression) => expression.type) };
}

/** References of a plan as places in the child's columns, with the guard of scalar subqueries taken out. */
export function postExpression(expression: Expression): Expression {
  const placed = mapExpression(expression, (part) => {
    if (part.kind === "ref") return { kind: "cell", index: part.index, type: part.type, at: part.at };
    return part.kind === "call" && part.name === "error" ? { kind: "constant", type: "NULL", value: null } : undefined;
  });
  return readPost(placed);
}

export function postProject(child: PostRelation, expressions: readonly Expression[]): PostRelation {
  return projected(child.post, expressions.map(postExpression));
}

export function postFilter(child: PostRelation, expressions: readonly Expression[]): PostRelation {
  return { ...child, post: { op: "filter", conditions: expressions.map(postExpression), child: child.post } };
}

export function postOrder(child: PostRelation, orders: readonly PlanOrder[]): PostRelation {
  return { ...child, post: { op: "order", order: orders.map(orderOf), child: child.post } };
}

function orderOf(one: PlanOrder): Order {
  return { ...one, expression: postExpression(one.expression) };
}

export function postJoin(
  plan: Extract<Plan, { op: "join" | "cross" }>,
  left: PostRelation,
  right: PostRelation,
): PostRelation {
  const kind: JoinKind = plan.op === "cross" ? "inner" : plan.kind;
  const conditions = (plan.op === "cross" ? [] : plan.conditions).map((one) => ({
    operator: one.operator,
    left: postExpression(one.left),
    right: postExpression(one.right),
  }));
  const widths: [number, number] = [left.types.length, right.types.length];
  const isHalf = kind === "semi" || kind === "anti";
  const post: Post = { op: "join", kind, conditions, left: left.post, right: right.post, widths };
  return { grain: "post", post, types: isHalf ? left.types : [...left.types, ...right.types] };
}

/** Whether a value is among those of the other side, NULL where that is not known: IN over cells. */
export function postMark(
  plan: Extract<Plan, { op: "subquery" }>,
  left: PostRelation,
  right: PostRelation,
): PostRelation {
  const [test, ...more] = plan.conditions;
  if (!test || more.length > 0 || test.operator !== "=") {
    return refuse("subquery_refused", { construct: "IN over a subquery", suggestion: "Join the tables of aggregates" });
  }
  const sides = { probe: postExpression(test.left), among: postExpression(test.right) };
  const post: Post = { op: "mark", ...sides, left: left.post, right: right.post, width: left.types.length };
  return { grain: "post", post, types: [...left.types, "BOOLEAN"] };
}

export function postAggregate(child: PostRelation, plan: Extract<Plan, { op: "aggregate" }>): PostRelation {
  if (plan.sets.length !== 1 || plan.levels.length > 0)
    return refuse("grouping_sets_refused", { construct: "ROLLUP over aggregates", word: "group" });
  const groups = plan.groups.map(postExpression);
  const aggregates = plan.aggregates.map(postCall);
  const post: Post = { op: "aggregate", groups, aggregates, child: child.post };
  return { grain: "post", post, types: [...groups, ...aggregates].map((one) => one.type) };
}

function postCall(call: PlanAggregate): PostCall {
  if (!POST_AGGREGATES.has(call.name)) refuse("post_form_refused", { at: call.at, construct: `${call.name}()` });
  const { name, distinct, type } = call;
  return {
    name,
    distinct,
    type,
    children: call.children.map(postExpression),
    filter: call.filter && postExpression(call.filter),
  };
}

export function postWindow(child: PostRelation, plan: Extract<Plan, { op: "window" }>): PostRelation {
  const windows = plan.windows.map((window) => {
    if (!WINDOW_FUNCTIONS.has(window.name)) postCall(window);
    return {
      name: window.name,
      distinct: window.distinct,
      type: window.type,
      children: window.children.map(postExpression),
      filter: window.filter && postExpression(window.filter),
      partitions: window.partitions.map(postExpression),
      order: window.orders.map(orderOf),
      frame: window.frame,
    };
  });
  const post: Post = { op: "window", windows, child: child.post, width: child.types.length };
  return { grain: "post", post, types: [...child.types, ...windows.map((window) => window.type)] };
}

/** Rows of several tables of cells below each other. */
export function postUnion(kind: SetOperation, children: readonly PostRelation[]): PostRelation {
  return {
    grain: "post",
    post: { op: "union", kind, children: children.map((child) => child.post) },
    types: children[0]!.types,
  };
}

/** Leaves that cut the same rows: same tables, joins and conditions. */
export function linkedLeaves(leaves: readonly SafeQuery[]): number[][] {
  const sets = new Map<string, number[]>();
  for (const [i, leaf] of leaves.entries()) {
    if (leaf.subjects.length === 0) continue;
    const base = JSON.stringify([leaf.tables, leaf.from, leaf.where]);
    sets.set(base, [...(sets.get(base) ?? []), i]);
  }
  return [...sets.values()].filter((set) => set.length > 1);
}

/** The same query with its own table references only, numbered from 0. */
export function compact(query: SafeQuery): SafeQuery {
  const used = everyTable(query.from).toSorted((a, b) => a - b);
  const renumber = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(renumber);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .filter(([name]) => name !== "at")
        .map(([name, member]) => [
          name,
          name === "table"
            ? used.indexOf(member as number)
            : name === "tables"
              ? renumberList(member as number[])
              : renumber(member),
        ]),
    );
  };
  const renumberList = (tables: number[]): number[] => tables.map((table) => used.indexOf(table));
  const { tables, ...rest } = query;
  return { ...(renumber(rest) as Omit<SafeQuery, "tables">), tables: used.map((table) => tables[table]!) };
}
