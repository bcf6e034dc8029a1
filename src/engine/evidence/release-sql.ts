import { expressionSql, quoteName, type Expression, type OutputColumn, type SafeQuery } from "../gate/index.ts";
import { roundedSql, type Rounding } from "./rounding-sql.ts";

/** Which values of which cells do not leave. */
export interface Suppression {
  /** Ordinal of the cell. */
  cell: number;
  /** Indexes of aggregates. */
  aggregates: ReadonlySet<number>;
  /** The rule that hides each of them, for reviewers. */
  because: ReadonlyMap<number, string>;
  /** The row itself would tell something. */
  dropRow: boolean;
}

/** What of a table of cells may leave. */
export interface Visible {
  table: string;
  suppressed: readonly Suppression[];
  /** Where the profile rounds. */
  rounding?: Rounding | undefined;
}

/**
 * The developer's steps over the table of cells, as far as it may leave: a suppressed value is NULL, and what is left is
 * rounded where the profile rounds, before HAVING, ORDER BY, LIMIT and every expression see it. Without ORDER BY, and among equals, rows come in the order of the keys.
 */
export function releaseSql(query: SafeQuery, columns: readonly OutputColumn[], visible: Visible): string {
  const outputs = query.outputs.map(
    (output, i) => `${outputSql(query, output, columns[i]!)} AS ${quoteName(columns[i]!.name)}`,
  );
  const having = query.having.map((condition) => `TRY(${cellSql(query, condition)})`);
  const order = query.order.map((one) => orderSql(query, one));
  const limit = query.limit === undefined ? "" : ` LIMIT ${query.limit}`;
  const offset = query.offset > 0 ? ` OFFSET ${query.offset}` : "";
  return `SELECT ${outputs.join(", ")} FROM (${visibleSql(query, visible)}) AS cells
    WHERE ${having.join(" AND ") || "TRUE"} ORDER BY ${[...order, "cell"].join(", ")}${limit}${offset}`;
}

function outputSql(query: SafeQuery, output: Expression, column: OutputColumn): string {
  const sql = cellSql(query, output);
  const typed = output.type === column.type ? sql : `CAST(${sql} AS ${column.type})`;
  return output.kind === "cell" && typed === sql ? sql : `TRY(${typed})`;
}

function orderSql(query: SafeQuery, one: SafeQuery["order"][number]): string {
  const sql =
    one.expression.kind === "cell" ? cellSql(query, one.expression) : `TRY(${cellSql(query, one.expression)})`;
  return `${sql} ${one.descending ? "DESC" : "ASC"} NULLS ${one.nullsFirst ? "FIRST" : "LAST"}`;
}

function cellSql(query: SafeQuery, expression: Expression): string {
  return expressionSql(expression, (leaf) => {
    if (leaf.kind === "column") throw new Error("a row's column stands in an expression over cells");
    return leaf.index < query.keys.length ? `k${leaf.index}` : `a${leaf.index - query.keys.length}`;
  });
}

function visibleSql(query: SafeQuery, { table, suppressed, rounding }: Visible): string {
  // public tables hold no subjects whom rounding would protect
  const rounds = rounding !== undefined && query.subjects.length > 0 ? rounding : undefined;
  const keys = query.keys.map((_, i) => `k${i}`);
  const shown = query.aggregates.map((one, i) => (rounds ? roundedSql(one, `a${i}`, rounds) : `a${i}`));
  if (suppressed.length === 0) {
    return `SELECT ${["cell", ...keys, ...shown.map((sql, i) => `${sql} AS a${i}`)].join(", ")} FROM ${table}`;
  }
  const values = shown.map((sql, i) => `CASE WHEN list_contains(hidden, ${i}) THEN NULL ELSE ${sql} END AS a${i}`);
  const cells = `[${suppressed.map((one) => one.cell).join(", ")}]`;
  const hidden = `[${suppressed.map((one) => `[${[...one.aggregates].join(", ")}]::INTEGER[]`).join(", ")}]`;
  const dropped = `[${suppressed.map((one) => one.dropRow).join(", ")}]`;
  return `SELECT ${["cell", ...keys, ...values].join(", ")} FROM ${table}
    LEFT JOIN (SELECT unnest(${cells}) AS cell, unnest(${hidden}) AS hidden, unnest(${dropped}) AS dropped) USING (cell)
    WHERE dropped IS NOT TRUE`;
}
