import { Type, type Static } from "typebox";
import { ColumnName, DigestText, Grade, Instant, Name, OneOf } from "./common.ts";

/** Roles of a column, least to most revealing (the order is the lattice of the plan gate). */
export const COLUMN_ROLES = [
  "public",
  "dimension",
  "measure",
  "quasi_identifier",
  "sensitive",
  "identifier",
  "subject_key",
] as const;
export const ColumnRole = OneOf(COLUMN_ROLES);
export type ColumnRole = (typeof COLUMN_ROLES)[number];

/**
 * Sanctioned steps that lower a quasi-identifier to a dimension: `year`, `decade`, `month`, `quarter` of a date,
 * `prefix:N` (first N characters of a code), `bin:W` (aligned bins of width W, W of the form 1-2-5 x 10^n).
 */
export const Generalisation = Type.String({ pattern: "^(year|quarter|month|decade|prefix:[1-9][0-9]?|bin:[0-9.]+)$" });

export const ProductColumn = Type.Object(
  {
    name: ColumnName,
    role: ColumnRole,
    grade: Grade,
    title: Type.Optional(Type.String({ maxLength: 200 })),
    generalise: Type.Optional(Type.Array(Generalisation, { maxItems: 16 })),
    bounds: Type.Optional(Type.Tuple([Type.Number(), Type.Number()])),
  },
  { additionalProperties: false },
);
export type ProductColumn = Static<typeof ProductColumn>;

export const ProductSource = Type.Union([
  Type.Object({ path: Type.String({ minLength: 1 }) }, { additionalProperties: false }),
  Type.Object({ url: Type.String({ minLength: 1 }) }, { additionalProperties: false }),
  Type.Object(
    { postgres: Type.String({ minLength: 1 }), table: Type.String({ minLength: 1 }) },
    { additionalProperties: false },
  ),
]);
export type ProductSource = Static<typeof ProductSource>;

/** What is declared to publish a data product version. A column that is not listed is not mounted. */
export const ProductSpec = Type.Object(
  {
    id: Name,
    title: Type.Optional(Type.String({ maxLength: 200 })),
    description: Type.Optional(Type.String({ maxLength: 4000 })),
    source: ProductSource,
    provider: Type.Optional(Name),
    subjectKey: Type.Optional(ColumnName),
    grade: Grade,
    columns: Type.Array(ProductColumn, { minItems: 1, maxItems: 1000 }),
  },
  { additionalProperties: false },
);
export type ProductSpec = Static<typeof ProductSpec>;

/** One immutable Arrow IPC file of a version: the named columns, rows in the version's order. */
export const ProductFile = Type.Object({
  /** Path relative to the directory of the version. */
  path: Type.String(),
  columns: Type.Array(ColumnName),
  bytes: Type.Integer({ minimum: 0 }),
  digest: DigestText,
  /** Set for a file that is mounted nowhere (the real subject keys). */
  zone: Type.Optional(Type.Literal("governance")),
});
export type ProductFile = Static<typeof ProductFile>;

export const ManifestColumn = Type.Object({
  name: ColumnName,
  role: ColumnRole,
  grade: Grade,
  /** DuckDB's name of the type, e.g. `DECIMAL(12,2)`, `VARCHAR`, `STRUCT(a INTEGER)`. */
  type: Type.String(),
  generalise: Type.Optional(Type.Array(Generalisation)),
  bounds: Type.Optional(Type.Tuple([Type.Number(), Type.Number()])),
  nullCount: Type.Integer({ minimum: 0 }),
  /** Approximate number of distinct values, two significant digits. */
  approxDistinct: Type.Integer({ minimum: 0 }),
});
export type ManifestColumn = Static<typeof ManifestColumn>;

/**
 * Goes up with every change of what the files of a version hold. 1: before ordinals, with real keys in `subject.arrow`.
 * A version of another format is never mounted.
 */
export const PRODUCT_FORMAT = "sluice-product/2";

/** `manifest.json` of a version; its digest names the version. */
export const ProductManifest = Type.Object({
  format: Type.Literal(PRODUCT_FORMAT),
  product: Name,
  subjectKey: Type.Optional(ColumnName),
  grade: Grade,
  rowCount: Type.Integer({ minimum: 0 }),
  /** Distinct subjects, when there is a subject key. */
  subjectCount: Type.Optional(Type.Integer({ minimum: 0 })),
  columns: Type.Array(ManifestColumn),
  files: Type.Array(ProductFile),
  sourceDigest: DigestText,
  createdAt: Instant,
});
export type ProductManifest = Static<typeof ProductManifest>;

/** Whether this version of the server reads such files: a manifest that was stored by another may be of any format. */
export function isSupported(manifest: { format: string }): boolean {
  return manifest.format === PRODUCT_FORMAT;
}

export const PRODUCT_VERSION_STATES = ["ingesting", "published", "failed", "withdrawn"] as const;
export type ProductVersionState = (typeof PRODUCT_VERSION_STATES)[number];

export const ProductView = Type.Object({
  id: Name,
  title: Type.Optional(Type.String()),
  description: Type.Optional(Type.String()),
  provider: Type.Optional(Name),
  subjectKey: Type.Optional(ColumnName),
  grade: Grade,
  version: Type.Optional(
    Type.Object({
      id: Type.String(),
      state: OneOf(PRODUCT_VERSION_STATES),
      digest: Type.Optional(DigestText),
      createdAt: Instant,
      /** Rounded to two significant digits for readers outside the operator. */
      rowCount: Type.Optional(Type.Integer()),
      progress: Type.Optional(Type.Object({ rows: Type.Integer() })),
      error: Type.Optional(Type.Object({ code: Type.String(), message: Type.String() })),
    }),
  ),
  columns: Type.Array(
    Type.Object({
      name: ColumnName,
      role: ColumnRole,
      grade: Grade,
      title: Type.Optional(Type.String()),
      type: Type.Optional(Type.String()),
      generalise: Type.Optional(Type.Array(Generalisation)),
      bounds: Type.Optional(Type.Tuple([Type.Number(), Type.Number()])),
      nullCount: Type.Optional(Type.Integer()),
      approxDistinct: Type.Optional(Type.Integer()),
    }),
  ),
});
export type ProductView = Static<typeof ProductView>;
