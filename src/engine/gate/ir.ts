import type { JoinRule } from "#contract/scenario.ts";
import type { ManifestColumn } from "#contract/product.ts";
import type { MountedProduct } from "#contract/engine.ts";
import { canonicalJson } from "#kernel/canonical-json.ts";
import { sha256, type Digest } from "#kernel/digest.ts";
import type { ColumnExpression, Expression } from "./expression.ts";
import type { Post } from "./post-plan.ts";

/** What the gate knows about a scenario. */
export interface GateCatalogue {
  products: ReadonlyMap<string, MountedProduct>;
  joins: readonly JoinRule[];
}

/** One relation in FROM, by which column expressions name it: a product, or what is derived from products. */
export interface TableReference {
  /** For a derived relation the product that its rows come from. */
  product: string;
  /** Column that identifies the protected subject; absent for public tables. */
  subjectKey?: string;
  /** What a manifest would say of the columns of a derived relation; absent for a product, which has its own. */
  columns?: readonly DerivedColumn[];
  /** A derived relation over protected rows in which a row without a subject decides about rows of others. */
  unowned?: true;
  /** The right side of a LEFT JOIN: all its columns are NULL where there is no partner. */
  nullable?: true;
}

export interface DerivedColumn extends ManifestColumn {
  /** The product's column that it is, unchanged: join rules name it. */
  path?: string;
  /** What the developer calls it. */
  label?: string;
  /** A value of it tells something by being there: it comes from a quasi-identifier or a measure. */
  generalised?: true;
  /** Made by an aggregate over the rows of one subject. */
  total?: true;
  /** A mark whose own conditions name sensitive values: which side of them its subjects are. */
  sensitive?: "inside" | "outside";
}

export type From =
  | { kind: "table"; table: number }
  | { kind: "derived"; table: number; source: Source }
  | { kind: "join"; join: FromJoin; left: From; right: From; on: [ColumnExpression, ColumnExpression][] };

/** matching: LEFT JOIN in which NULL equals NULL; cross: with a relation of one row. */
export type FromJoin = "inner" | "left" | "matching" | "cross";

/**
 * Relations that are made from rows, and are rows again. Their columns stand in the table reference.
 * - mark: one row per value of `keys` of the rows: `m`, whether one of them fulfils `where`; with `nulls` a row for NULL keys,
 *   when there are rows at all (`f`); with `witness` one of the subjects that stand behind it (`w`).
 * - gap: one row: whether some row that fulfils `where` has a NULL key (`g`).
 * - rows: rows of one or several branches below each other, columns `c0` …
 * - public: one row that is computed from public tables: columns `c0` …
 * - unit: one row per subject (and further keys) of the rows that fulfil `where`: keys `k0` …, aggregates `a0` …
 */
export type Source =
  | { kind: "mark"; from: From; where: Condition; keys: ColumnExpression[]; nulls: boolean; witness?: ColumnExpression }
  | { kind: "gap"; from: From; where: Condition; key: ColumnExpression }
  | { kind: "public"; post: Post }
  | { kind: "rows"; branches: Branch[] }
  | { kind: "unit"; from: From; where: Condition; keys: Expression[]; aggregates: UnitAggregate[] };

/** Rows that fulfil `where`. */
export interface Branch {
  from: From;
  where: Condition;
  columns: Expression[];
}

export function branchesOf(source: Source): Pick<Branch, "from" | "where">[] {
  if (source.kind === "public") return [];
  return source.kind === "rows" ? source.branches : [source];
}

/** What one subject's rows come to. */
export interface UnitAggregate {
  name: "count" | "sum" | "avg" | "min" | "max";
  distinct: boolean;
  /** Absent for count(*). */
  argument?: Expression;
  type: string;
}

/** A condition over one row that the split test can leave out. */
export interface Atom {
  expression: Expression;
  /** Whether it looks at data at all. */
  constant: boolean;
  /** That a value is there, which the aggregate needs and nobody has asked for: it cuts regions (R4) and is no question of its own (R19). */
  implied?: true;
  /** It looks at a column that is neither public nor a dimension: whether a row is there at all tells something. */
  protects?: true;
  /** It compares a sensitive column: which side of it are the people of the named values. */
  sensitive?: "inside" | "outside";
  /** For IN and NOT IN: each value is an alternative of its own. */
  list?: { probe: Expression; negated: boolean };
}
/** Disjunction of conjunctions; TRUE is `[[]]`. */
export type Condition = Atom[][];

export interface Key {
  expression: Expression;
  type: string;
  /** A generalised quasi-identifier: the mere existence of a rare value says something. */
  generalised: boolean;
}

export type Spread = "var_samp" | "var_pop" | "stddev_samp" | "stddev_pop";

/** Statistics of pairs: y is the argument, x the second, in the order of SQL's regression functions. */
export type Moments =
  | "covar_pop"
  | "covar_samp"
  | "corr"
  | "regr_slope"
  | "regr_intercept"
  | "regr_r2"
  | "regr_sxx"
  | "regr_syy"
  | "regr_sxy";

export interface Quantile {
  /** Fractions of the rows, as decimal numbers in text. */
  points: string[];
  /** Whether it is one of the values (`quantile_disc`), or may lie between two. */
  discrete: boolean;
  descending: boolean;
  /** Whether the points were asked for as a list. */
  list: boolean;
}

export interface Aggregate {
  /**
   * rows: count(*); values: count(x); subjects: count(DISTINCT subject key); distinct: count(DISTINCT dimension); spread:
   * variance and deviation; quantile: of one measure; moments: of two.
   */
  kind: "rows" | "values" | "subjects" | "distinct" | "sum" | "avg" | "spread" | "quantile" | "moments";
  /** For spread: which of the variance family. */
  spread?: Spread;
  quantile?: Quantile;
  moments?: Moments;
  argument?: Expression;
  /** For moments: x. */
  second?: Expression;
  /** Only rows for which this holds contribute. */
  filter: Condition;
  /** Rows outside the filter count as zero instead of missing (`CASE … ELSE 0`). */
  elseZero: boolean;
  /** For subjects: index of the subject class. */
  subject?: number;
  /** Aggregates that must be fit to be shown for this one to be shown (`witnesses.ts`). */
  witnesses?: number[];
  /** Judged and never shown. */
  isWitness?: true;
  type: string;
}

export interface Order {
  expression: Expression;
  descending: boolean;
  nullsFirst: boolean;
}

/** Subject keys that the joins make equal. */
export interface SubjectClass {
  column: ColumnExpression;
  tables: number[];
}

/** The safe form: one aggregation over base tables, and steps over its cells. */
export interface SafeQuery {
  tables: TableReference[];
  from: From;
  where: Condition;
  subjects: SubjectClass[];
  keys: Key[];
  aggregates: Aggregate[];
  /** Over cells: index < keys.length is a key, the rest are aggregates. */
  outputs: Expression[];
  having: Expression[];
  order: Order[];
  limit?: number;
  offset: number;
}

/**
 * A statement whose protected data all pass through judged aggregations: its leaves, and the steps over what of them may
 * leave. Without `post` it is its one leaf. Leaves of one linked set cut the same rows in different ways: one of them
 * could undo what another hides.
 */
export interface SafeStatement {
  leaves: SafeQuery[];
  post?: Post;
  linked: number[][];
}

/** Equal questions have equal digests, however they are written. Positions do not count. */
export function queryDigest(query: SafeStatement): Digest {
  return sha256(canonicalJson(withoutPlaces(query)));
}

/** A piece of the IR without where it stands in the text. */
export function withoutPlaces(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPlaces);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).filter(([name, member]) => name !== "at" && member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, withoutPlaces(member)]));
}

/** Every relation below, those inside of derived ones too. */
export function everyTable(from: From): number[] {
  if (from.kind === "table") return [from.table];
  if (from.kind === "derived") return [from.table, ...branchesOf(from.source).flatMap((one) => everyTable(one.from))];
  return [...everyTable(from.left), ...everyTable(from.right)];
}

export function labelOf(column: DerivedColumn): string {
  return column.label ?? column.name;
}

export function columnOf(catalogue: GateCatalogue, product: string, name: string): ManifestColumn | undefined {
  return catalogue.products.get(product)?.columns.find((column) => column.name === name);
}
