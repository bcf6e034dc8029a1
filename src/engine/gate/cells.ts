import { readCondition } from "./condition.ts";
import type { DerivedScope } from "./derived.ts";
import type { Expression } from "./expression.ts";
import { connectFilters, subjectClasses } from "./from.ts";
import type { ColumnScope } from "./generalise.ts";
import type { SafeQuery } from "./ir.ts";
import { readKey } from "./keys.ts";
import { readPost } from "./post.ts";
import { refuse } from "./refusal.ts";
import type { CellRelation, RawRelation } from "./relation.ts";
import { checkRepeated } from "./repeated.ts";
import { compact } from "./to-post.ts";

/** One cell for each value of the keys, as yet without aggregates. */
export function cells(scope: DerivedScope, child: RawRelation, groups: readonly Expression[]): CellRelation {
  const raw = connectFilters(scope, child);
  const subjects = raw.from ? subjectClasses(scope.tables, raw.from) : [];
  checkProtected(scope);
  if (raw.from) checkRepeated(scope.tables, raw.from);
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
function checkProtected(scope: ColumnScope): void {
  for (const { product, subjectKey, columns } of scope.tables) {
    if (columns) continue;
    const roles = scope.catalogue.products.get(product)?.columns.map((column) => column.role) ?? [];
    const isProtected = roles.some((role) => role !== "public" && role !== "dimension" && role !== "measure");
    if (subjectKey === undefined && isProtected) refuse("subject_key_missing", { construct: product });
  }
}

/** An aggregation with what stands above it, as a query of its own. */
export function leafOf(scope: ColumnScope, relation: CellRelation): SafeQuery {
  const { raw, subjects, keys, aggregates, columns, having, order, limit, offset } = relation;
  if (!raw.from) return refuse("rows_not_aggregated");
  return compact({
    tables: [...scope.tables],
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
  });
}
