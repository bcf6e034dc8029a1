import type { SafeQuery } from "../gate/index.ts";
import { fromSql } from "./from-sql.ts";
import { columnSql, conditionSql, guarded, isAlways, type Named } from "./names.ts";
import { regionFilter } from "./region-filter.ts";
import type { Part } from "./part.ts";
import { partsOf, valueSql, type Parts } from "./parts.ts";

export const list = (columns: readonly Named[]): string =>
  columns.map(([name, sql]) => (name === sql ? sql : `${sql} AS ${name}`)).join(", ");
export const leading = (keys: readonly string[]): string => keys.map((key) => `${key}, `).join("");
export const groupBy = (keys: readonly string[]): string => (keys.length > 0 ? ` GROUP BY ${keys.join(", ")}` : "");

/** Filters that differ, in order: bit i of a row's region says whether filter i holds. */
export function distinctFilters(query: SafeQuery): string[] {
  const filters = query.aggregates.map((one) => regionFilter(query, one));
  return [...new Set(filters.filter((filter) => !isAlways(filter)).map(conditionSql))];
}

/** Aggregates over magnitudes: for these modal contributions and dominance mean something. */
export function isMagnitude(query: SafeQuery, index: number): boolean {
  const one = query.aggregates[index]!;
  return /^(sum|avg|spread)$/.test(one.kind) && one.argument?.kind !== "constant";
}

export function magnitudesOf(query: SafeQuery): ReadonlySet<number> {
  return new Set(query.aggregates.flatMap((_, i) => (isMagnitude(query, i) ? [i] : [])));
}

/** What all statements (bounds for all cells, exact numbers for all or some) are made of. */
export interface Shape extends Parts {
  query: SafeQuery;
  keys: string[];
  /** A query of public tables has one class without subjects. */
  classes: number[];
  filters: string[];
  /** Filters cut the subjects into regions. */
  hasRegions: boolean;
}

export function shapeOf(query: SafeQuery): Shape {
  const filters = distinctFilters(query);
  return {
    query,
    ...partsOf(query),
    keys: query.keys.map((_, i) => `k${i}`),
    classes: query.subjects.length === 0 ? [0] : query.subjects.map((_, i) => i),
    filters,
    hasRegions: filters.length > 0 && query.subjects.length > 0,
  };
}

export function subjectSql(query: SafeQuery, c: number): string {
  return query.subjects[c] ? columnSql(query.subjects[c].column) : "CAST(NULL AS INTEGER)";
}

/** Whether subject keys of this type are such as ingest writes them. */
export function isOrdinal(type: string): boolean {
  return /^U(TINYINT|SMALLINT|INTEGER)$/.test(type);
}

/** The sketch of the subjects of a relation with one row each: what ingest made an ordinal is its own name. */
export function sketchSql(type: string, s: string): string {
  const ordinal = isOrdinal(type) ? s : `CAST(hash(${s}) & 4294967295 AS UINTEGER)`;
  return `sluice_sketch(CASE WHEN ${s} IS NOT NULL THEN ${ordinal} END)`;
}

export function regionSql(filters: readonly string[]): string {
  return filters.map((sql, i) => `CASE WHEN ${sql} THEN ${2 ** i} ELSE 0 END`).join(" + ");
}

/** `base`: the rows of the query with keys, subjects, and what the parts and regions need. */
export function baseSql(shape: Shape, subjects: readonly Named[]): string {
  const { query, parts, filters } = shape;
  const columns: Named[] = [
    ...query.keys.map((key, i): Named => [`k${i}`, guarded(key.expression)]),
    ...subjects,
    ...parts.flatMap((part) => part.row),
    ...(filters.length > 0 ? [["region", regionSql(filters)] as const] : []),
  ];
  return `SELECT ${list(columns.length > 0 ? columns : [["one", "1"]])} FROM ${fromSql(query)} WHERE (${conditionSql(query.where)})`;
}

/**
 * One statement that computes, per cell of the query, the values that would be released and the exact evidence about
 * them. It is made from the IR alone. Stages: `base` rows → `u<c>` contributions per cell and subject of class c →
 * `e<c>` per cell → one row per cell in the order of the keys.
 */
export function exactCellsSql(query: SafeQuery): string {
  const shape = shapeOf(query);
  const subjects = shape.classes.map((c): Named => [`s${c}`, subjectSql(query, c)]);
  const stages = shape.classes.flatMap((c) => [perSubject(shape, c), perCell(shape, c), ...regions(shape, c)]);
  return `WITH ${[`base AS (${baseSql(shape, subjects)})`, ...stages].join(",\n")}\n${cells(shape)}`;
}

function perSubject({ keys, parts }: Shape, c: number): string {
  const columns: Named[] = [["r", "count(*)"], ...parts.flatMap((part) => part.group)];
  const grouped = `SELECT ${leading(keys)}s${c} AS s, ${list(columns)} FROM base GROUP BY ${[...keys, `s${c}`].join(", ")}`;
  return `u${c} AS (${withinSql(parts, grouped, keys)})`;
}

/** Adds what looks at the whole cell to the contributions of its subjects. */
export function withinSql(parts: readonly Part[], subjects: string, keys: readonly string[]): string {
  const within = parts.flatMap((part) => part.within?.(keys) ?? []);
  return within.length === 0 ? subjects : `SELECT *, ${list(within)} FROM (${subjects})`;
}

function perCell({ query, keys, parts }: Shape, c: number): string {
  const columns: Named[] = [
    ["row_count", "coalesce(sum(r), 0)"],
    [`subjects${c}`, "count(s)"],
    [`sketch${c}`, subjectsSketch(query, c)],
    ...(c === 0 ? parts.flatMap((part) => part.cell) : []),
    ...parts.flatMap((part, p) => evidenceColumns(part, { query, c, p })),
  ];
  return `e${c} AS (SELECT ${leading(keys)}${list(columns)} FROM u${c}${groupBy(keys)})`;
}

/** The sketch of class c over one row for each of its subjects `s`. */
export function subjectsSketch(query: SafeQuery, c: number): string {
  return sketchSql(query.subjects[c]?.column.type ?? "INTEGER", "s");
}

/** Evidence of one part in one class, over its subjects. */
export function evidenceColumns(part: Part, { query, c, p }: { query: SafeQuery; c: number; p: number }): Named[] {
  const name = (what: string): string => `${what}${c}_${p}`;
  const { size } = part;
  const columns: Named[] = [
    [name("nonnull"), `count(s) FILTER (n${p} > 0)`],
    [name("nonneutral"), `count(s) FILTER (n${p} > 0 AND ${size} <> 0)`],
    [name("sketch"), `${subjectsSketch(query, c)} FILTER (n${p} > 0)`],
    [name("total"), `sum(abs(${size}))`],
    [name("first"), `max(abs(${size}))`],
    [name("second"), `max(abs(${size}), 2)[2]`],
  ];
  if (!part.isMagnitude) return columns;
  // At least how many are off the mode: none when all contribute the same, else one less than there are (up to 63) kinds.
  const counted = `FILTER (n${p} > 0)`;
  const same = `min(${size}) ${counted} IS NOT DISTINCT FROM max(${size}) ${counted}`;
  const kinds = `bit_count(coalesce(bit_or(1::BIGINT << (hash(${size}) % 63)::INTEGER) ${counted}, 0))`;
  return [...columns, [name("off"), `CASE WHEN ${same} THEN 0 ELSE greatest(${kinds} - 1, 1) END`]];
}

/** Subjects per region of the filters: how small a group their differences can isolate. */
function regions({ keys, hasRegions }: Shape, c: number): string[] {
  if (!hasRegions) return [];
  const inner = `SELECT ${leading(keys)}region, count(DISTINCT s${c}) AS g FROM base GROUP BY ${[...keys, "region"].join(", ")}`;
  return [`g${c} AS (SELECT ${leading(keys)}${list([regionList(c)])} FROM (${inner})${groupBy(keys)})`];
}

/** `[[region, subjects], …]` as text. */
export function regionList(c: number): Named {
  return [`region${c}`, "to_json(list([region, g] ORDER BY region))::VARCHAR"];
}

function cells(shape: Shape): string {
  const { keys, classes, hasRegions } = shape;
  const joined = [...classes.slice(1).map((c) => `e${c}`), ...(hasRegions ? classes.map((c) => `g${c}`) : [])];
  const on = (name: string): string => keys.map((key) => `e0.${key} IS NOT DISTINCT FROM ${name}.${key}`).join(" AND ");
  const from = `e0 ${joined.map((name) => `LEFT JOIN ${name} ON ${on(name) || "TRUE"}`).join(" ")}`;
  return cellColumnsSql(shape, from, [
    ["counted", "TRUE"],
    ["complete", "TRUE"],
  ]);
}

/** The table of cells in the order of its keys, over a relation e0 (and others) that has its numbers. */
export function cellColumnsSql(shape: Shape, from: string, also: readonly Named[]): string {
  const { query, keys, of, classes } = shape;
  const order = keys.length > 0 ? `ORDER BY ${keys.map((key) => `e0.${key} NULLS LAST`).join(", ")}` : "";
  const columns: Named[] = [
    ["cell", `row_number() OVER (${order}) - 1`],
    ...keys.map((key): Named => [key, `e0.${key}`]),
    ...query.aggregates.map((one, i): Named => {
      const value = one.kind === "subjects" ? `nonnull${one.subject}_${of[i]!}` : valueSql(one, of[i]!);
      return [`a${i}`, value.replaceAll("row_count", "e0.row_count")];
    }),
    ["row_count", "e0.row_count"],
    ...also,
    ...evidenceNames(shape, classes).map((name): Named => [name, name]),
  ];
  return `SELECT ${list(columns)} FROM ${from}`;
}

/** Names of the evidence columns of some classes, in order. */
export function evidenceNames(shape: Shape, classes: readonly number[]): string[] {
  const { parts, hasRegions } = shape;
  return classes.flatMap((c) => [
    `subjects${c}`,
    `sketch${c}`,
    ...parts.flatMap((part, p) =>
      ["nonnull", "nonneutral", "sketch", "total", "first", "second", ...(part.isMagnitude ? ["off"] : [])].map(
        (what) => `${what}${c}_${p}`,
      ),
    ),
    ...(hasRegions ? [`region${c}`] : []),
  ]);
}
