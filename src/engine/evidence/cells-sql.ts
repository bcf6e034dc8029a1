import type { SafeQuery } from "../gate/index.ts";
import { contributionOf, type Contribution } from "./contribution.ts";
import { columnSql, conditionSql, fromSql, guarded, isAlways } from "./names.ts";

type Named = readonly [name: string, sql: string];

const list = (columns: readonly Named[]): string => columns.map(([name, sql]) => `${sql} AS ${name}`).join(", ");
const names = (columns: readonly string[], prefix = ""): string => columns.map((name) => prefix + name).join(", ");

/**
 * One statement that computes, per cell of the query, the values that would be released and the evidence about them.
 * It is made from the IR alone. Stages: `base` rows → `u<c>` contributions per cell and subject of class c → `e<c>`
 * evidence per cell → one row per cell in the order of the keys.
 */
export function cellsSql(query: SafeQuery, options: CellsOptions = {}): string {
  const build = new CellsBuild(query, options);
  const classes = build.classes.flatMap((c) => [build.perSubject(c), build.perCell(c), ...build.regions(c)]);
  return `WITH ${[build.base(), ...classes].join(",\n")}\n${build.cells()}`;
}

/** Per cell of `table`, exactly how many subjects of class c are off the most frequent contribution to aggregate i. */
export function modesSql(
  query: SafeQuery,
  which: { c: number; i: number; table: string },
  options: CellsOptions = {},
): string {
  const build = new CellsBuild(query, options);
  return `WITH ${build.base()}, ${build.perSubject(which.c)}, ${build.mode(which.c, which.i)}
    SELECT e0.cell AS cell, off FROM ${which.table} AS e0 JOIN modes ON ${build.sameKeys("modes")}`;
}

export interface CellsOptions {
  /** Every subject has one row: nothing needs to be summed per subject. */
  unique?: boolean;
}

/** Filters that differ, in order: bit i of a row's region says whether filter i holds. */
export function distinctFilters(query: SafeQuery): string[] {
  return [...new Set(query.aggregates.filter((one) => !isAlways(one.filter)).map((one) => conditionSql(one.filter)))];
}

/** Aggregates over magnitudes: for these modal contributions and dominance mean something. */
export function isMagnitude(query: SafeQuery, index: number): boolean {
  const one = query.aggregates[index]!;
  return (one.kind === "sum" || one.kind === "avg") && one.argument?.kind !== "constant";
}

/** Holds what the stages share; no state changes. */
class CellsBuild {
  readonly query: SafeQuery;
  readonly keys: string[];
  readonly contributions: Contribution[];
  /** A query of public tables has one class without subjects. */
  readonly classes: number[];
  readonly filters: string[];
  readonly unique: boolean;

  constructor(query: SafeQuery, options: CellsOptions) {
    this.unique = options.unique === true && query.subjects.length === 1;
    this.query = query;
    this.keys = query.keys.map((_, i) => `k${i}`);
    this.contributions = query.aggregates.map(contributionOf);
    this.classes = query.subjects.length === 0 ? [0] : query.subjects.map((_, i) => i);
    this.filters = distinctFilters(query);
  }

  base(): string {
    const { query } = this;
    const columns: Named[] = [
      ...query.keys.map((key, i): Named => [`k${i}`, guarded(key.expression)]),
      ...this.classes.map((c): Named => [`s${c}`, query.subjects[c] ? columnSql(query.subjects[c].column) : "NULL"]),
      ...this.contributions.flatMap((one) => one.row),
      ...query.aggregates.map((one, i): Named => [
        `f${i}`,
        isAlways(one.filter) ? "TRUE" : `(${conditionSql(one.filter)}) IS TRUE`,
      ]),
      ...(this.filters.length > 0
        ? [["region", this.filters.map((sql, i) => `CASE WHEN ${sql} THEN ${2 ** i} ELSE 0 END`).join(" + ")] as const]
        : []),
    ];
    return `base AS (SELECT ${list(columns)} FROM ${fromSql(query)} WHERE ${conditionSql(query.where)})`;
  }

  perSubject(c: number): string {
    if (this.unique) {
      const single: Named[] = [["s", `s${c}`], ["r", "1"], ...this.contributions.flatMap((one) => one.single)];
      return `u${c} AS (SELECT ${this.leading("")}${list(single)} FROM base)`;
    }
    const columns = [["r", "count(*)"] as const, ...this.contributions.flatMap((one) => one.subject)];
    const group = [...this.keys, `s${c}`];
    const shown = [...this.keys, `s${c} AS s`];
    return `u${c} AS (SELECT ${names(shown)}, ${list(columns)} FROM base GROUP BY ${names(group)})`;
  }

  perCell(c: number): string {
    const evidence = this.query.aggregates.flatMap((_, i) => this.evidence(c, i));
    const values = c === 0 ? this.contributions.flatMap((one) => one.cell) : [];
    const columns: Named[] = [
      ["row_count", "coalesce(sum(r), 0)"],
      [`subjects${c}`, "count(s)"],
      ...values,
      ...evidence,
    ];
    return `e${c} AS (SELECT ${this.leading("")}${list(columns)} FROM u${c}${this.groupBy()})`;
  }

  /** Of one aggregate, per cell, over subjects of class c. */
  evidence(c: number, i: number): Named[] {
    const { size } = this.contributions[i]!;
    const base: Named[] = [
      [`nonnull${c}_${i}`, `count(s) FILTER (n${i} > 0)`],
      [`nonneutral${c}_${i}`, `count(s) FILTER (n${i} > 0 AND ${size} <> 0)`],
    ];
    if (this.query.aggregates[i]!.kind === "subjects") return base;
    const sizes: Named[] = [...base, [`total${c}_${i}`, `sum(abs(${size}))`], [`top${c}_${i}`, `max(abs(${size}), 2)`]];
    return isMagnitude(this.query, i) ? [...sizes, ...this.variety(c, i)] : sizes;
  }

  /** Whether all contribute the same, and at least how many different contributions there are (up to 63). */
  variety(c: number, i: number): Named[] {
    const { size } = this.contributions[i]!;
    const counted = `FILTER (n${i} > 0)`;
    return [
      [`same${c}_${i}`, `min(${size}) ${counted} IS NOT DISTINCT FROM max(${size}) ${counted}`],
      [`kinds${c}_${i}`, `bit_count(coalesce(bit_or(1::BIGINT << (hash(${size}) % 63)::INTEGER) ${counted}, 0))`],
    ];
  }

  mode(c: number, i: number): string {
    const inner = `SELECT ${this.leading("")}count(*) AS m FROM u${c} WHERE n${i} > 0 GROUP BY ${names([...this.keys, this.contributions[i]!.size])}`;
    return `modes AS (SELECT ${this.leading("")}sum(m) - max(m) AS off FROM (${inner})${this.groupBy()})`;
  }

  /** Subjects per region of the filters: how small a group their differences can isolate. */
  regions(c: number): string[] {
    if (this.filters.length === 0 || this.query.subjects.length === 0) return [];
    const inner = `SELECT ${this.leading("")}region, count(DISTINCT s${c}) AS g FROM base GROUP BY ${names([...this.keys, "region"])}`;
    const lists: Named[] = [
      [`region${c}`, "list(region ORDER BY region)"],
      [`region_subjects${c}`, "list(g ORDER BY region)"],
    ];
    return [`g${c} AS (SELECT ${this.leading("")}${list(lists)} FROM (${inner})${this.groupBy()})`];
  }

  cells(): string {
    const { query } = this;
    const joined = [
      ...this.classes.slice(1).map((c) => `e${c}`),
      ...this.classes.flatMap((c) => this.regions(c).map((text) => text.split(" ", 1)[0]!)),
    ];
    const order = this.keys.length > 0 ? `ORDER BY ${this.keys.map((key) => `e0.${key} NULLS LAST`).join(", ")}` : "";
    const columns: Named[] = [
      ["cell", `row_number() OVER (${order}) - 1`],
      ...this.keys.map((key): Named => [key, `e0.${key}`]),
      ...query.aggregates.map((one, i): Named => [
        `a${i}`,
        one.kind === "subjects"
          ? `nonnull${one.subject}_${i}`
          : this.contributions[i]!.value.replaceAll("row_count", "e0.row_count"),
      ]),
      ["row_count", "e0.row_count"],
      ...this.evidenceNames().map((name): Named => [name, name]),
    ];
    return `SELECT ${list(columns)} FROM e0 ${joined.map((name) => `LEFT JOIN ${name} ON ${this.sameKeys(name)}`).join(" ")}`;
  }

  evidenceNames(): string[] {
    const { query } = this;
    return this.classes.flatMap((c) => [
      `subjects${c}`,
      ...query.aggregates.flatMap((_, i) => this.evidence(c, i).map(([name]) => name)),
      ...(this.regions(c).length > 0 ? [`region${c}`, `region_subjects${c}`] : []),
    ]);
  }

  leading(prefix: string): string {
    return this.keys.map((key) => `${prefix}${key}, `).join("");
  }

  groupBy(): string {
    return this.keys.length > 0 ? ` GROUP BY ${names(this.keys)}` : "";
  }

  sameKeys(name: string): string {
    return this.keys.map((key) => `e0.${key} IS NOT DISTINCT FROM ${name}.${key}`).join(" AND ") || "TRUE";
  }
}
