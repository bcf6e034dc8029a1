import type { Expression } from "./expression.ts";
import type { Order } from "./ir.ts";
import type { Post, PostCall, PostWindow } from "./post-plan.ts";
import { expressionSql, quoteName } from "./sql-text.ts";
import type { OutputColumn } from "./statement.ts";

/** SQL of the steps over released cells; `leaves` are SELECTs with columns c0, c1, …. */
export function postSql(post: Post, leaves: readonly string[], columns: readonly OutputColumn[]): string {
  const expressions = post.op === "project" ? post.expressions : [];
  const child = post.op === "project" ? post.child : post;
  const outputs = columns.map((column, i) => {
    const expression = expressions[i];
    const value = expression === undefined ? `c${i}` : text(expression);
    const typed = expression?.type === column.type ? value : `CAST(${value} AS ${column.type})`;
    return `${expression?.kind === "cell" && typed === value ? value : `TRY(${typed})`} AS ${quoteName(column.name)}`;
  });
  const order = [...orders(child), ...columns.map((_, i) => String(i + 1))];
  return `SELECT ${outputs.join(", ")} FROM (${sql(child, leaves)}) AS p ORDER BY ${order.join(", ")}`;
}

/** The order that the last step but projections gives, to be kept by what stands above it. */
function orders(post: Post): string[] {
  if (post.op === "order") return post.order.map(orderSql);
  return post.op === "limit" ? orders(post.child) : [];
}

function text(expression: Expression): string {
  return expressionSql(expression, (leaf) => {
    if (leaf.kind === "column") throw new Error("a row's column stands in an expression over cells");
    return `c${leaf.index}`;
  });
}

const guarded = (expression: Expression): string =>
  expression.kind === "cell" || expression.kind === "constant" ? text(expression) : `TRY(${text(expression)})`;

function orderSql(one: Order): string {
  return `${guarded(one.expression)} ${one.descending ? "DESC" : "ASC"} NULLS ${one.nullsFirst ? "FIRST" : "LAST"}`;
}

const named = (parts: readonly string[]): string => parts.map((part, i) => `${part} AS c${i}`).join(", ") || "1 AS one";

function sql(post: Post, leaves: readonly string[]): string {
  const from = (child: Post): string => `(${sql(child, leaves)}) AS p`;
  switch (post.op) {
    case "leaf":
      return leaves[post.leaf]!;
    case "public":
      return `SELECT ${named(post.columns.map(quoteName))} FROM ${quoteName(post.product)}`;
    case "one":
      return "SELECT 1 AS one";
    case "project":
      return `SELECT ${named(post.expressions.map(guarded))} FROM ${from(post.child)}`;
    case "filter":
      return `SELECT * FROM ${from(post.child)} WHERE ${post.conditions.map(guarded).join(" AND ") || "TRUE"}`;
    case "join":
      return joinSql(post, leaves);
    case "mark": {
      const own = Array.from({ length: post.width }, (_, i) => `l.c${i}`);
      const among = `SELECT ${sided(post.among, "r")} FROM (${sql(post.right, leaves)}) AS r`;
      return `SELECT ${named([...own, `${sided(post.probe, "l")} IN (${among})`])} FROM (${sql(post.left, leaves)}) AS l`;
    }
    case "aggregate":
      return aggregateSql(post, from(post.child));
    case "window": {
      const own = Array.from({ length: post.width }, (_, i) => `c${i}`);
      return `SELECT ${named([...own, ...post.windows.map((window) => windowSql(window, own))])} FROM ${from(post.child)}`;
    }
    case "distinct":
      return `SELECT DISTINCT * FROM ${from(post.child)}`;
    case "union":
      return post.children.map((child) => `(${sql(child, leaves)})`).join(` ${post.kind} `);
    case "order":
      return sql(post.child, leaves);
    case "limit":
      return limitSql(post, from(post.child));
  }
}

/** Which rows a limit keeps must not depend on threads: all columns decide among equals. */
function limitSql(post: Extract<Post, { op: "limit" }>, from: string): string {
  const order = orders(post.child);
  const limit = post.limit === undefined ? "" : ` LIMIT ${post.limit}`;
  return `SELECT * FROM ${from} ORDER BY ${[...order, "CAST(p AS VARCHAR)"].join(", ")}${limit} OFFSET ${post.offset}`;
}

function joinSql(post: Extract<Post, { op: "join" }>, leaves: readonly string[]): string {
  const [left, right] = post.widths;
  const isHalf = post.kind === "semi" || post.kind === "anti";
  const columns = [
    ...Array.from({ length: left }, (_, i) => `l.c${i}`),
    ...(isHalf ? [] : Array.from({ length: right }, (_, i) => `r.c${i}`)),
  ];
  const on = post.conditions.map((one) => `${sided(one.left, "l")} ${one.operator} ${sided(one.right, "r")}`);
  const words = { inner: "INNER", left: "LEFT", right: "RIGHT", outer: "FULL", semi: "SEMI", anti: "ANTI" };
  return `SELECT ${named(columns)} FROM (${sql(post.left, leaves)}) AS l ${words[post.kind]} JOIN (${sql(post.right, leaves)}) AS r ON ${on.join(" AND ") || "TRUE"}`;
}

function sided(expression: Expression, side: "l" | "r"): string {
  return expressionSql(expression, (leaf) => `${side}.c${leaf.kind === "cell" ? leaf.index : 0}`);
}

function aggregateSql(post: Extract<Post, { op: "aggregate" }>, from: string): string {
  const groups = post.groups.map(guarded);
  const parts = [...groups, ...post.aggregates.map(callSql)];
  const by = groups.length > 0 ? ` GROUP BY ${groups.map((_, i) => i + 1).join(", ")}` : "";
  return `SELECT ${named(parts)} FROM ${from}${by}`;
}

/** A scalar subquery is a first() over one row; min() says the same and does not depend on an order. */
function callSql(call: PostCall): string {
  const name = call.name === "first" ? "min" : call.name;
  const filter = call.filter ? ` FILTER (WHERE ${guarded(call.filter)})` : "";
  if (name === "count_star") return `count(*)${filter}`;
  const plain = name === "sum_no_overflow" ? "sum" : name;
  return `CAST(${plain}(${call.distinct ? "DISTINCT " : ""}${call.children.map(guarded).join(", ")})${filter} AS ${call.type})`;
}

/** Functions of a row's place get all columns as last order, so that equals do not depend on threads. */
function windowSql(window: PostWindow, own: readonly string[]): string {
  const ties = /^(row_number|lag|lead|first_value|last_value|ntile)$/.test(window.name) ? own : [];
  const order = [...window.order.map(orderSql), ...ties];
  const parts = [
    window.partitions.length > 0 ? `PARTITION BY ${window.partitions.map(guarded).join(", ")}` : "",
    order.length > 0 ? `ORDER BY ${order.join(", ")}` : "",
    window.frame ?? "",
  ];
  const over = parts.filter((part) => part !== "").join(" ");
  const name = window.name === "count_star" ? "count" : window.name === "sum_no_overflow" ? "sum" : window.name;
  const filter = window.filter ? ` FILTER (WHERE ${guarded(window.filter)})` : "";
  const children = window.name === "count_star" ? "*" : window.children.map(guarded).join(", ");
  return `${name}(${window.distinct ? "DISTINCT " : ""}${children})${filter} OVER (${over})`;
}
