import type { SafeQuery } from "../gate/index.ts";
import { baseSql, evidenceColumns, list, regionList, shapeOf, subjectSql, withinSql, type Shape } from "./cells-sql.ts";
import type { Named } from "./names.ts";

/** Which cells of which table of cells are counted subject by subject, for one class. */
export interface ExactCells {
  c: number;
  table: string;
  /** Ordinals; absent: all. */
  cells?: readonly number[];
}

/** Exact evidence of some cells: the rows of these cells alone, one group per subject. */
export function exactSql(query: SafeQuery, which: ExactCells): string {
  const shape = shapeOf(query);
  const { c } = which;
  const columns: Named[] = [
    ["row_count", "coalesce(sum(r), 0)"],
    [`subjects${c}`, "count(s)"],
    ...shape.parts.flatMap((part, p) => evidenceColumns(part, { c, p })),
  ];
  const cells = `e AS (SELECT cell, ${list(columns)} FROM u GROUP BY cell)`;
  const stages = [`base AS (${chosenSql(shape, which)})`, perSubject(shape), cells];
  if (!shape.hasRegions) return `WITH ${stages.join(",\n")} SELECT * FROM e`;
  const counted = "SELECT cell, region, count(DISTINCT s) AS g FROM base GROUP BY cell, region";
  const regions = `g AS (SELECT cell AS of_cell, ${list([regionList(c)])} FROM (${counted}) GROUP BY cell)`;
  return `WITH ${[...stages, regions].join(",\n")} SELECT * FROM e LEFT JOIN g ON e.cell = g.of_cell`;
}

/** Per cell, exactly how many subjects of class c are off the most frequent contribution to part p. */
export function modesSql(query: SafeQuery, which: ExactCells & { p: number }): string {
  const shape = shapeOf(query);
  const part = shape.parts[which.p]!;
  const sizes = `SELECT cell, count(*) AS m FROM u WHERE n${which.p} > 0 GROUP BY cell, ${part.size}`;
  return `WITH base AS (${chosenSql(shape, which)}), ${perSubject(shape)}
    SELECT cell, sum(m) - max(m) AS off FROM (${sizes}) GROUP BY cell`;
}

function perSubject(shape: Shape): string {
  const columns: Named[] = [["r", "count(*)"], ...shape.parts.flatMap((part) => part.group)];
  const grouped = `SELECT cell, s, ${list(columns)} FROM base GROUP BY cell, s`;
  return `u AS (${withinSql(shape.parts, grouped, ["cell"])})`;
}

function chosenSql(shape: Shape, { c, table, cells }: ExactCells): string {
  const { query, keys } = shape;
  const chosen = cells === undefined ? "" : ` WHERE cell IN (${cells.join(", ")})`;
  const on = keys.map((key) => `r.${key} IS NOT DISTINCT FROM chosen.${key}`).join(" AND ") || "TRUE";
  const ordinals = `SELECT ${[...keys, "cell"].join(", ")} FROM ${table}${chosen}`;
  return `SELECT r.* EXCLUDE (${keys.join(", ")}), chosen.cell FROM (${baseSql(shape, [["s", subjectSql(query, c)]])}) AS r
    JOIN (${ordinals}) AS chosen ON ${on}`.replace(" EXCLUDE ()", "");
}
