import type { ColumnScope } from "./generalise.ts";
import type { ColumnExpression } from "./expression.ts";
import { refuse } from "./refusal.ts";
import { tablesOf } from "./from.ts";
import { branchesOf, type DerivedColumn, type From, type Source, type TableReference } from "./ir.ts";

export interface DerivedScope extends ColumnScope {
  tables: TableReference[];
}

/** Makes a relation of rows known to the statement; answers it, and its columns to be read from it. */
export function derive(
  scope: DerivedScope,
  source: Source,
  columns: readonly DerivedColumn[],
): { from: Extract<From, { kind: "derived" }>; columns: ColumnExpression[] } {
  checkNested(scope, source);
  const table = scope.tables.length;
  const subjectKey = columns.find(({ role }) => role === "subject_key")?.name;
  scope.tables.push({
    product: productOf(scope, source),
    ...(subjectKey === undefined ? {} : { subjectKey }),
    columns,
    ...(isUnowned(scope, source) ? { unowned: true } : {}),
  });
  return {
    from: { kind: "derived", table, source },
    columns: columns.map(({ name, type }) => ({ kind: "column", table, name, type })),
  };
}

/** Rows without a subject are looked for where they decide about rows of the statement itself, not further down. */
function checkNested(scope: ColumnScope, source: Source): void {
  const gaps = branchesOf(source).flatMap(({ from }) => gapsOf(from));
  if (gaps.every((table) => scope.tables[table]!.unowned === undefined)) return;
  refuse("subquery_refused", {
    construct: "NOT IN inside of a subquery",
    word: "not",
    suggestion: "Write it with NOT EXISTS",
  });
}

function gapsOf(from: From): number[] {
  if (from.kind === "join") return [...gapsOf(from.left), ...gapsOf(from.right)];
  return from.kind === "derived" && from.source.kind === "gap" ? [from.table] : [];
}

function isUnowned(scope: ColumnScope, source: Source): boolean {
  const looksAtNulls = source.kind === "gap" || (source.kind === "mark" && source.nulls);
  return looksAtNulls && leavesOf(source).some((table) => scope.tables[table]!.subjectKey !== undefined);
}

/** The product that a relation's rows come from, with protected ones first. */
function productOf(scope: ColumnScope, source: Source): string {
  const references = leavesOf(source).map((table) => scope.tables[table]!);
  return (references.find(({ subjectKey }) => subjectKey !== undefined) ?? references[0])?.product ?? "public tables";
}

function leavesOf(source: Source): number[] {
  return branchesOf(source).flatMap(({ from }) => tablesOf(from));
}

/** A column of a derived relation. */
export function derivedColumn(
  name: string,
  of: Pick<DerivedColumn, "role" | "type"> & Partial<DerivedColumn>,
): DerivedColumn {
  return { grade: "L1", nullCount: 1, approxDistinct: 0, ...of, name };
}
