/**
 * Ingest: one pass from a source (CSV, JSON, Parquet, a PostgreSQL table) to the immutable files of a product
 * version and their manifest. Owns what a source must look like, how its types are found and what is refused.
 * The subject key of a row is stored as the ordinal of its subject, UINTEGER in manifest, views and engines, the same
 * for equal keys in all products of a deployment; the real key lies in `subject-key.arrow`, which nothing mounts.
 *
 * Must never publish half a version (everything is written beside and moved in one step), never read a column that
 * the declaration does not list, and never put a value of the data into an error.
 */
export { ingestProduct, type IngestOptions, type IngestResult } from "./ingest-product.ts";
