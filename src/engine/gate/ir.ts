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

/** One reference to a product in FROM. Its index is how column expressions name it. */
export interface TableReference {
  product: string;
  /** Column that identifies the protected subject; absent for public tables. */
  subjectKey?: string;
}

export type From =
  | { kind: "table"; table: number }
  | { kind: "join"; join: "inner" | "left"; left: From; right: From; on: [ColumnExpression, ColumnExpression][] };

/** A condition over one row that the split test can leave out. */
export interface Atom {
  expression: Expression;
  /** Whether it looks at data at all. */
  constant: boolean;
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

export interface Aggregate {
  /** rows: count(*); values: count(x); subjects: count(DISTINCT subject key); spread: variance and deviation. */
  kind: "rows" | "values" | "subjects" | "sum" | "avg" | "spread";
  /** For spread: which of the variance family. */
  spread?: Spread;
  argument?: Expression;
  /** Only rows for which this holds contribute. */
  filter: Condition;
  /** Rows outside the filter count as zero instead of missing (`CASE … ELSE 0`). */
  elseZero: boolean;
  /** For subjects: index of the subject class. */
  subject?: number;
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

function withoutPlaces(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPlaces);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).filter(([name, member]) => name !== "at" && member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, withoutPlaces(member)]));
}

export function columnOf(catalogue: GateCatalogue, product: string, name: string): ManifestColumn | undefined {
  return catalogue.products.get(product)?.columns.find((column) => column.name === name);
}
