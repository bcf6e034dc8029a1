import {
  expressionSql,
  quoteName,
  someExpression,
  type ColumnExpression,
  type Condition,
  type Expression,
} from "../gate/index.ts";

export type Named = readonly [name: string, sql: string];

/** SQL of an expression over table columns: references are t0, t1 … */
export function rowSql(expression: Expression): string {
  return expressionSql(expression, (leaf) => {
    if (leaf.kind === "cell") throw new Error("a cell value stands in an expression over rows");
    return columnSql(leaf);
  });
}

export function columnSql(column: ColumnExpression): string {
  return `t${column.table}.${quoteName(column.name)}`;
}

export function conditionSql(condition: Condition): string {
  const alternatives = condition.map((atoms) => atoms.map((atom) => guarded(atom.expression)).join(" AND ") || "TRUE");
  return alternatives.length === 1 ? alternatives[0]! : alternatives.map((text) => `(${text})`).join(" OR ");
}

/** Functions may fail on a value; then the result is unknown instead of an error that tells of it. */
export function guarded(expression: Expression): string {
  const sql = rowSql(expression);
  return someExpression(expression, mayFail) ? `TRY(${sql})` : sql;
}

const NEVER_FAIL =
  /^(year|quarter|month|day|hour|minute|week|dayofweek|weekday|isodow|dayofyear|date_part|date_trunc|left|right|substring|substr|lower|upper|trim|length|starts_with|prefix|suffix|contains|~~|!~~|~~\*|!~~\*|floor|ceil|\|\|)$/;

function mayFail(part: Expression): boolean {
  if (part.kind === "call") return !NEVER_FAIL.test(part.name);
  if (part.kind !== "cast" || part.safe || part.child.kind === "constant") return false;
  return !(part.type === part.child.type || part.type === "DOUBLE" || part.type === "VARCHAR");
}

export function isAlways(condition: Condition): boolean {
  return condition.some((atoms) => atoms.length === 0);
}
