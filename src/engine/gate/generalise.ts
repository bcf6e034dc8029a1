import { columnOf, type DerivedColumn, type GateCatalogue, type TableReference } from "./ir.ts";
import { childrenOf, mapExpression, withoutIdleCasts, type ColumnExpression, type Expression } from "./expression.ts";
import { isNumeric, isTemporal, keepsValues } from "./types.ts";

/** Finest to coarsest: what a level allows, every coarser one may be asked too. */
const PERIODS = ["month", "quarter", "year", "decade"] as const;
type Period = (typeof PERIODS)[number];

export interface ColumnScope {
  catalogue: GateCatalogue;
  tables: readonly TableReference[];
}

export function manifestColumn(scope: ColumnScope, column: ColumnExpression): DerivedColumn {
  const table = scope.tables[column.table];
  const found = table?.columns
    ? table.columns.find(({ name }) => name === column.name)
    : table && columnOf(scope.catalogue, table.product, column.name);
  if (!found) throw new Error("a plan names a column that is not mounted");
  return found;
}

/**
 * Puts a marker in place of every sanctioned generalisation, so that what remains of the expression can be judged
 * as if these were dimension columns. Answers how many there were.
 */
export function maskGeneralisations(scope: ColumnScope, expression: Expression): { rest: Expression; count: number } {
  let count = 0;
  const rest = mapExpression(expression, (part) => {
    if (!isGeneralisation(scope, part)) return undefined;
    count += 1;
    return { kind: "constant", type: part.type, value: null };
  });
  return { rest, count };
}

/** Whether the expression lowers one column to a level that its manifest lists (or a coarser one). */
export function isGeneralisation(scope: ColumnScope, expression: Expression): boolean {
  return isPeriod(scope, expression) || isPrefix(scope, expression) || isBin(scope, expression);
}

function allowed(scope: ColumnScope, column: ColumnExpression): readonly string[] {
  const { role, generalise } = manifestColumn(scope, column);
  return role === "quasi_identifier" || role === "measure" ? (generalise ?? []) : [];
}

function bareColumn(expression: Expression | undefined): ColumnExpression | undefined {
  let part = expression;
  while (part?.kind === "cast") {
    if (!keepsValues(part.child.type, part.type)) return undefined;
    part = part.child;
  }
  return part?.kind === "column" ? part : undefined;
}

export function constantNumber(expression: Expression | undefined): number | undefined {
  const part = expression?.kind === "cast" ? expression.child : expression;
  if (part?.kind !== "constant" || part.value === null || !isNumeric(part.type)) return undefined;
  return Number(part.value);
}

function constantText(expression: Expression | undefined): string | undefined {
  const part = expression && withoutIdleCasts(expression);
  return part?.kind === "constant" && part.type === "VARCHAR" && part.value !== null ? part.value : undefined;
}

function isPeriod(scope: ColumnScope, expression: Expression): boolean {
  const found = periodOf(expression);
  if (!found) return false;
  const level = PERIODS.indexOf(found.period);
  return allowed(scope, found.column).some((step) => {
    const at = PERIODS.indexOf(step as Period);
    return at >= 0 && at <= level;
  });
}

function periodOf(expression: Expression): { column: ColumnExpression; period: Period } | undefined {
  if (expression.kind !== "call") return undefined;
  const decade = decadeOfYear(expression);
  if (decade) return { column: decade, period: "decade" };
  const { name, children } = expression;
  const part = /^(date_part|datepart|date_trunc|datetrunc)$/.test(name) ? constantText(children[0]) : name;
  const column = bareColumn(part === name ? children[0] : children[1]);
  if (!column || !isTemporal(column.type)) return undefined;
  if (name === "strftime") return strftimePeriod(column, constantText(children[1]));
  const period = PERIODS.find((known) => known === part?.toLowerCase());
  return period && { column, period };
}

function strftimePeriod(column: ColumnExpression, format: string | undefined): ReturnType<typeof periodOf> {
  if (format === "%Y") return { column, period: "year" };
  return format === "%Y-%m" || format === "%Y%m" ? { column, period: "month" } : undefined;
}

/** `year(x) // 10`, `floor(year(x) / 10)`: then anything may be done with it. */
function decadeOfYear(expression: Extract<Expression, { kind: "call" }>): ColumnExpression | undefined {
  const division = dividedBy(expression);
  if (!division || division.width % 10 !== 0) return undefined;
  let year = division.of;
  while (year.kind === "cast") year = year.child;
  const inner = year.kind === "call" && dividedBy(year) === undefined ? periodOf(year) : undefined;
  return inner?.period === "year" ? inner.column : undefined;
}

/** `x // w` or `floor(x / w)`. */
function dividedBy(call: Extract<Expression, { kind: "call" }>): { of: Expression; width: number } | undefined {
  const inner = call.name === "floor" ? childrenOf(call)[0] : call;
  const quotient = inner?.kind === "cast" ? inner.child : inner;
  if (quotient?.kind !== "call" || quotient.name !== (call.name === "floor" ? "/" : "//")) return undefined;
  const width = constantNumber(quotient.children[1]);
  const of = quotient.children[0];
  return of && width !== undefined && width > 0 ? { of, width } : undefined;
}

function isPrefix(scope: ColumnScope, expression: Expression): boolean {
  if (expression.kind !== "call") return false;
  const { name, children } = expression;
  const column = bareColumn(children[0]);
  if (!column || column.type !== "VARCHAR") return false;
  const cut = name === "left" ? constantNumber(children[1]) : cutFromStart(name, children);
  if (cut === undefined || cut < 0) return false;
  return allowed(scope, column).some((step) => step.startsWith("prefix:") && cut <= Number(step.slice(7)));
}

function cutFromStart(name: string, children: readonly Expression[]): number | undefined {
  if (!/^(substring|substr|array_slice)$/.test(name) || children.length !== 3) return undefined;
  return constantNumber(children[1]) === 1 ? constantNumber(children[2]) : undefined;
}

function isBin(scope: ColumnScope, expression: Expression): boolean {
  const division = expression.kind === "call" ? dividedBy(expression) : undefined;
  const column = bareColumn(division?.of);
  if (!division || !column || !isNumeric(column.type)) return false;
  return allowed(scope, column).some(
    (step) => step.startsWith("bin:") && isMultiple(division.width, Number(step.slice(4))),
  );
}

export function isMultiple(value: number, width: number): boolean {
  if (!(width > 0)) return false;
  const times = value / width;
  return Math.abs(times - Math.round(times)) < 1e-9 * Math.max(1, Math.abs(times));
}
