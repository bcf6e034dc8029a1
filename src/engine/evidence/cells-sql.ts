import type { SafeQuery } from "../gate/index.ts";
import { columnSql, conditionSql, fromSql, guarded, isAlways, type Named } from "./names.ts";
import { regionFilter } from "./region-filter.ts";
import type { Part } from "./part.ts";
import { partsOf, valueSql, type Parts } from "./parts.ts";

/**
 * How subjects are counted. `bounded`: subjects are put into a few groups per cell, which bounds what the rules ask for
 * (at least so many subjects, nobody larger than); every `sample`-th subject is counted for itself too. `single`: every
 * row is another subject's. `exact`: one group per subject.
 */
export type Counting = { kind: "bounded"; sample: number } | { kind: "single" } | { kind: "exact" };

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

/** What both statements (bounds for all cells, exact numbers for some) are made of. */
export interface Shape extends Parts {
  query: SafeQuery;
  keys: string[];
  /** A query of public tables has one class without subjects. */
  classes: number[];
  filters: string[];
}

export function shapeOf(query: SafeQuery): Shape {
  return {
    query,
    ...partsOf(query),
    keys: query.keys.map((_, i) => `k${i}`),
    classes: query.subjects.length === 0 ? [0] : query.subjects.map((_, i) => i),
    filters: distinctFilters(query),
  };
}

export function subjectSql(query: SafeQuery, c: number): string {
  return query.subjects[c] ? columnSql(query.subjects[c].column) : "CAST(NULL AS INTEGER)";
}

export function regionSql(filters: readonly string[]): string {
  return filters.map((sql, i) => `CASE WHEN ${sql} THEN ${2 ** i} ELSE 0 END`).join(" + ");
}

/** `base`: the rows of the query with keys, subjects, and what the parts and regions need. */
export function baseSql(shape: Shape, subjects: readonly Named[], also?: string): string {
  const { query, parts, filters } = shape;
  const columns: Named[] = [
    ...query.keys.map((key, i): Named => [`k${i}`, guarded(key.expression)]),
    ...subjects,
    ...parts.flatMap((part) => part.row),
    ...(filters.length > 0 ? [["region", regionSql(filters)] as const] : []),
  ];
  return `SELECT ${list(columns.length > 0 ? columns : [["one", "1"]])} FROM ${fromSql(query)} WHERE ${also === undefined ? "" : `${also} AND `}(${conditionSql(query.where)})`;
}

/**
 * One statement that computes, per cell of the query, the values that would be released and bounds of the evidence
 * about them. It is made from the IR alone. Stages: `base` rows → `u<c>` contributions per cell and group of subjects
 * of class c → `e<c>` per cell → one row per cell in the order of the keys.
 */
export function cellsSql(query: SafeQuery, counting: Counting): string {
  const shape = shapeOf(query);
  const build: Build = { ...shape, counting: query.subjects.length === 0 ? { kind: "exact" } : counting };
  const subjects = build.classes.flatMap((c) => subjectColumns(build, c));
  const stages = build.classes.flatMap((c) => [
    perGroup(build, c),
    perCell(build, c),
    ...sampled(build, c),
    ...regions(build, c),
  ]);
  return `WITH ${[`base AS (${baseSql(shape, subjects)})`, ...stages].join(",\n")}\n${cells(build)}`;
}

interface Build extends Shape {
  counting: Counting;
}

const GROUPS = 8;

/** s: the subject, or the group that it is in; b: its place in a bitmap of 63. */
function subjectColumns({ query, counting, filters }: Build, c: number): Named[] {
  const s = subjectSql(query, c);
  if (counting.kind === "bounded") {
    return [
      [`s${c}`, `CAST(${s} % ${GROUPS} AS UTINYINT)`],
      [`b${c}`, `1::BIGINT << CAST((${s} // ${GROUPS}) % 63 AS INTEGER)`],
    ];
  }
  const hasBits = filters.length > 0 && query.subjects.length > 0 && counting.kind === "single";
  return hasBits
    ? [
        [`s${c}`, s],
        [`b${c}`, `1::BIGINT << CAST(hash(${s}) % 63 AS INTEGER)`],
      ]
    : [[`s${c}`, s]];
}

function perGroup(build: Build, c: number): string {
  const { keys, parts, counting } = build;
  if (counting.kind === "single") {
    const single: Named[] = [["s", `s${c}`], ["r", "1"], ...parts.flatMap((part) => part.single)];
    return `u${c} AS (SELECT ${leading(keys)}${list(single)} FROM base)`;
  }
  const columns: Named[] = [["r", "count(*)"], ...parts.flatMap((part) => part.group)];
  if (counting.kind === "bounded") {
    columns.push(["b", `bit_or(b${c})`]);
    columns.push(...parts.flatMap((part, p): Named[] => [...part.bounds, [`z${p}`, bits(`b${c}`, part.weighs)]]));
  }
  const grouped = `SELECT ${leading(keys)}s${c} AS s, ${list(columns)} FROM base GROUP BY ${[...keys, `s${c}`].join(", ")}`;
  return `u${c} AS (${withinSql(parts, grouped, keys)})`;
}

/** Adds what looks at the whole cell to the contributions of its subjects. */
export function withinSql(parts: readonly Part[], subjects: string, keys: readonly string[]): string {
  const within = parts.flatMap((part) => part.within?.(keys) ?? []);
  return within.length === 0 ? subjects : `SELECT *, ${list(within)} FROM (${subjects})`;
}

function bits(column: string, holds: string): string {
  return holds === "TRUE" ? `bit_or(${column})` : `bit_or(${column}) FILTER (${holds})`;
}

function perCell(build: Build, c: number): string {
  const { keys, parts, counting } = build;
  const subjects = counting.kind === "bounded" ? "coalesce(sum(bit_count(b)), 0)" : "count(s)";
  const columns: Named[] = [
    ["row_count", "coalesce(sum(r), 0)"],
    [`subjects${c}`, subjects],
    ...(c === 0 ? parts.flatMap((part) => part.cell) : []),
    ...parts.flatMap((part, p) => evidenceColumns(part, { c, p, counting })),
  ];
  return `e${c} AS (SELECT ${leading(keys)}${list(columns)} FROM u${c}${groupBy(keys)})`;
}

/** Every n-th subject for itself, where sums are asked: their different totals are different totals of all. */
function sampled(build: Build, c: number): string[] {
  const { query, keys, parts, counting } = build;
  if (counting.kind !== "bounded" || !parts.some((part) => part.isMagnitude)) return [];
  const s = subjectSql(query, c);
  const asked = parts.map((part, p) => ({ part, p })).filter(({ part }) => part.isMagnitude);
  const rows = baseSql(
    { ...build, filters: [], parts: asked.map(({ part }) => part) },
    [["s", s]],
    `${s} % ${counting.sample} = 0`,
  );
  const totals: Named[] = asked.flatMap(({ part }) => part.group);
  const columns = asked.flatMap(({ part, p }): Named[] => [
    [`weigh${c}_${p}`, `count(*) FILTER (n${p} > 0 AND ${part.size} <> 0)`],
    [`kinds${c}_${p}`, kindsSql(part, `FILTER (n${p} > 0)`)],
  ]);
  const subjects = `SELECT ${leading(keys)}s, ${list(totals)} FROM (${rows}) GROUP BY ${[...keys, "s"].join(", ")}`;
  return [`q${c} AS (SELECT ${leading(keys)}${list(columns)} FROM (${subjects})${groupBy(keys)})`];
}

function kindsSql({ size }: Part, counted: string): string {
  return `bit_count(coalesce(bit_or(1::BIGINT << (hash(${size}) % 63)::INTEGER) ${counted}, 0))`;
}

/** Evidence of one part in one class, over its groups of subjects. */
export function evidenceColumns(part: Part, at: { c: number; p: number; counting: Counting }): Named[] {
  const { c, p, counting } = at;
  const name = (what: string): string => `${what}${c}_${p}`;
  if (counting.kind === "bounded") return boundColumns(part, p, name);
  const { size } = part;
  const largest = counting.kind === "single" ? `max(abs(${size}))` : `max(abs(${size}), 2)`;
  const columns: Named[] = [
    [name("nonnull"), `count(s) FILTER (n${p} > 0)`],
    [name("nonneutral"), `count(s) FILTER (n${p} > 0 AND ${size} <> 0)`],
    [name("total"), `sum(abs(${size}))`],
    [name("top"), counting.kind === "single" ? `[${largest}, ${largest}]` : largest],
  ];
  if (!part.isMagnitude) return columns;
  // Whether all contribute the same, and at least how many different contributions there are (up to 63).
  const counted = `FILTER (n${p} > 0)`;
  return [
    ...columns,
    [name("same"), `min(${size}) ${counted} IS NOT DISTINCT FROM max(${size}) ${counted}`],
    [name("kinds"), kindsSql(part, counted)],
  ];
}

/**
 * Lower bounds of counts and totals, upper bounds of the largest: what one subject contributes is at most what its
 * group does, and a subject with amounts of one sign that are not all 0 contributes more than 0.
 */
function boundColumns(part: Part, p: number, name: (what: string) => string): Named[] {
  const weighing = `coalesce(sum(bit_count(z${p})), 0)`;
  const certain =
    part.mayCancel === "FALSE"
      ? weighing
      : `CASE WHEN count(*) FILTER (${part.mayCancel}) = 0 THEN ${weighing} ELSE 0 END`;
  return [
    [name("nonneutral"), certain],
    [name("total"), `sum(abs(${part.size}))`],
    [name("top"), `max(${part.most})`],
  ];
}

/** Subjects per region of the filters: how small a group their differences can isolate. */
function regions({ keys, filters, query, counting }: Build, c: number): string[] {
  if (filters.length === 0 || query.subjects.length === 0) return [];
  const subjects = counting.kind === "exact" ? `count(DISTINCT s${c})` : `coalesce(bit_count(bit_or(b${c})), 0)`;
  const inner = `SELECT ${leading(keys)}region, ${subjects} AS g FROM base GROUP BY ${[...keys, "region"].join(", ")}`;
  return [`g${c} AS (SELECT ${leading(keys)}${list(regionLists(c))} FROM (${inner})${groupBy(keys)})`];
}

export function regionLists(c: number): Named[] {
  return [
    [`region${c}`, "list(region ORDER BY region)"],
    [`region_subjects${c}`, "list(g ORDER BY region)"],
  ];
}

function cells(build: Build): string {
  const { query, keys, of, classes, filters } = build;
  const hasRegions = filters.length > 0 && query.subjects.length > 0;
  const joined = [
    ...classes.slice(1).map((c) => `e${c}`),
    ...classes.flatMap((c) => sampled(build, c).map(() => `q${c}`)),
    ...(hasRegions ? classes.map((c) => `g${c}`) : []),
  ];
  const order = keys.length > 0 ? `ORDER BY ${keys.map((key) => `e0.${key} NULLS LAST`).join(", ")}` : "";
  const columns: Named[] = [
    ["cell", `row_number() OVER (${order}) - 1`],
    ...keys.map((key): Named => [key, `e0.${key}`]),
    ...query.aggregates.map((one, i): Named => {
      const value = one.kind === "subjects" ? `nonnull${one.subject}_${of[i]!}` : valueSql(one, of[i]!);
      return [`a${i}`, value.replaceAll("row_count", "e0.row_count")];
    }),
    ["row_count", "e0.row_count"],
    ...evidenceNames(build, classes).map((name): Named => [
      name,
      build.counting.kind === "bounded" ? boundSql(build, name) : name,
    ]),
  ];
  const on = (name: string): string => keys.map((key) => `e0.${key} IS NOT DISTINCT FROM ${name}.${key}`).join(" AND ");
  return `SELECT ${list(columns)} FROM e0 ${joined.map((name) => `LEFT JOIN ${name} ON ${on(name) || "TRUE"}`).join(" ")}`;
}

/** Where a bound comes from: the groups, or the sample. Those that contribute are at least those that weigh. */
function boundSql({ parts }: Build, name: string): string {
  const [, what, at, p] = /^([a-z_]+)(\d+)(?:_(\d+))?$/.exec(name)!;
  const part = parts[Number(p)];
  if (what === "nonnull" || what === "nonneutral") {
    return part?.isMagnitude ? `greatest(nonneutral${at}_${p}, coalesce(weigh${at}_${p}, 0))` : `nonneutral${at}_${p}`;
  }
  if (what === "top") return `[${name}, ${name}]`;
  if (what === "same") return "FALSE";
  return what === "kinds" ? `coalesce(${name}, 0)` : name;
}

/** Names of the evidence columns of some classes, in order. */
export function evidenceNames(shape: Shape, classes: readonly number[]): string[] {
  const { parts, filters, query } = shape;
  return classes.flatMap((c) => [
    `subjects${c}`,
    ...parts.flatMap((part, p) =>
      ["nonnull", "nonneutral", "total", "top", ...(part.isMagnitude ? ["same", "kinds"] : [])].map(
        (what) => `${what}${c}_${p}`,
      ),
    ),
    ...(filters.length > 0 && query.subjects.length > 0 ? [`region${c}`, `region_subjects${c}`] : []),
  ]);
}
