/**
 * Our own small expression tree. It is made from DuckDB's bound plan, and SQL is written from it again with every
 * type spelled out; the developer's text is never executed in the safe form.
 */
export type CompareOperator = "=" | "<>" | "<" | "<=" | ">" | ">=" | "IS DISTINCT FROM" | "IS NOT DISTINCT FROM";

interface Common {
  /** DuckDB's name of the type, e.g. `DECIMAL(12,2)`. */
  type: string;
  /** Byte offset in the planned SQL, when the plan tells it. */
  at?: number | undefined;
}

export type Expression = Common &
  (
    | { kind: "ref"; index: number }
    | { kind: "column"; table: number; name: string }
    | { kind: "cell"; index: number }
    | { kind: "constant"; value: string | null }
    | { kind: "cast"; child: Expression; safe: boolean }
    | { kind: "call"; name: string; children: Expression[]; operator: boolean; mayOverflow: boolean }
    | { kind: "compare"; operator: CompareOperator; children: [Expression, Expression] }
    | { kind: "and" | "or"; children: Expression[] }
    | { kind: "not" | "is_null" | "is_not_null"; children: [Expression] }
    | { kind: "in"; negated: boolean; children: Expression[] }
    | { kind: "coalesce"; children: Expression[] }
    | { kind: "case"; checks: { when: Expression; value: Expression }[]; otherwise: Expression }
  );

export type ColumnExpression = Extract<Expression, { kind: "column" }>;
export type ConstantExpression = Extract<Expression, { kind: "constant" }>;

export function childrenOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case "ref":
    case "column":
    case "cell":
    case "constant":
      return [];
    case "cast":
      return [expression.child];
    case "case":
      return [...expression.checks.flatMap((check) => [check.when, check.value]), expression.otherwise];
    default:
      return expression.children;
  }
}

/** The same tree with every leaf that `replace` answers for replaced. */
export function mapExpression(expression: Expression, replace: (e: Expression) => Expression | undefined): Expression {
  const replaced = replace(expression);
  if (replaced) return replaced;
  const again = (child: Expression): Expression => mapExpression(child, replace);
  switch (expression.kind) {
    case "ref":
    case "column":
    case "cell":
    case "constant":
      return expression;
    case "cast":
      return { ...expression, child: again(expression.child) };
    case "case":
      return {
        ...expression,
        checks: expression.checks.map((check) => ({ when: again(check.when), value: again(check.value) })),
        otherwise: again(expression.otherwise),
      };
    case "compare":
      return { ...expression, children: [again(expression.children[0]), again(expression.children[1])] };
    case "not":
    case "is_null":
    case "is_not_null":
      return { ...expression, children: [again(expression.children[0])] };
    default:
      return { ...expression, children: expression.children.map(again) };
  }
}

export function someExpression(expression: Expression, test: (e: Expression) => boolean): boolean {
  return test(expression) || childrenOf(expression).some((child) => someExpression(child, test));
}

export function columnsOf(expression: Expression): ColumnExpression[] {
  if (expression.kind === "column") return [expression];
  return childrenOf(expression).flatMap(columnsOf);
}

/** The first place that the plan tells within the expression. */
export function placeOf(expression: Expression): number | undefined {
  if (expression.at !== undefined) return expression.at;
  for (const child of childrenOf(expression)) {
    const at = placeOf(child);
    if (at !== undefined) return at;
  }
  return undefined;
}

/** A cast that changes nothing about the value's identity: same type. */
export function withoutIdleCasts(expression: Expression): Expression {
  if (expression.kind !== "cast" || expression.child.type !== expression.type) return expression;
  return withoutIdleCasts(expression.child);
}
