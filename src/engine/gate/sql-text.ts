import type { Expression } from "./expression.ts";

/** How a leaf that stands for a column or a cell value is written. */
export type LeafText = (leaf: Extract<Expression, { kind: "column" | "cell" }>) => string;

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** SQL of an expression, fully parenthesised; every constant carries its type. */
export function expressionSql(expression: Expression, leaf: LeafText): string {
  const sql = (child: Expression): string => expressionSql(child, leaf);
  switch (expression.kind) {
    case "column":
    case "cell":
      return leaf(expression);
    case "ref":
      throw new Error("a plan reference was left unresolved");
    case "constant":
      return constantSql(expression.value, expression.type);
    case "cast":
      return `${expression.safe ? "TRY_CAST" : "CAST"}(${sql(expression.child)} AS ${expression.type})`;
    case "call":
      return callSql(expression, sql);
    case "compare":
      return `(${sql(expression.children[0])} ${expression.operator} ${sql(expression.children[1])})`;
    case "and":
    case "or":
      return `(${expression.children.map(sql).join(expression.kind === "and" ? " AND " : " OR ")})`;
    case "not":
      return `(NOT ${sql(expression.children[0])})`;
    case "is_null":
      return `(${sql(expression.children[0])} IS NULL)`;
    case "is_not_null":
      return `(${sql(expression.children[0])} IS NOT NULL)`;
    case "in":
      return inSql(expression, sql);
    case "coalesce":
      return `coalesce(${expression.children.map(sql).join(", ")})`;
    case "case":
      return caseSql(expression, sql);
  }
}

function constantSql(value: string | null, type: string): string {
  if (value === null) return type === "NULL" ? "NULL" : `CAST(NULL AS ${type})`;
  return type === "VARCHAR" ? quoteText(value) : `CAST(${quoteText(value)} AS ${type})`;
}

type Sql = (child: Expression) => string;

function callSql(call: Extract<Expression, { kind: "call" }>, sql: Sql): string {
  if (!call.operator) return `${quoteName(call.name)}(${call.children.map(sql).join(", ")})`;
  if (call.children.length === 1) return `(${call.name} ${sql(call.children[0]!)})`;
  return `(${sql(call.children[0]!)} ${call.name} ${sql(call.children[1]!)})`;
}

function inSql(expression: Extract<Expression, { kind: "in" }>, sql: Sql): string {
  const [probe, ...list] = expression.children;
  return `(${sql(probe!)} ${expression.negated ? "NOT IN" : "IN"} (${list.map(sql).join(", ")}))`;
}

function caseSql(expression: Extract<Expression, { kind: "case" }>, sql: Sql): string {
  const checks = expression.checks.map((check) => `WHEN ${sql(check.when)} THEN ${sql(check.value)}`);
  return `(CASE ${checks.join(" ")} ELSE ${sql(expression.otherwise)} END)`;
}
