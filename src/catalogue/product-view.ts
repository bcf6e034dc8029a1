import type { Selectable } from "kysely";
import { isSupported, type ProductManifest, type ProductSpec, type ProductView } from "#contract/product.ts";
import { ERROR_TABLE } from "#kernel/errors.ts";
import type { Schema } from "#persistence/index.ts";

/** What a view is made of: the product, one version of it, and whether the reader may see exact numbers. */
export interface ProductRecord {
  product: Selectable<Schema["products"]>;
  version: VersionRecord | undefined;
}

export type VersionRecord = Pick<
  Selectable<Schema["product_versions"]>,
  "id" | "state" | "spec" | "digest" | "created_at" | "manifest" | "progress_rows" | "error"
>;

/**
 * `exact` is for readers who answer for the data: the operator, the implementing body and the data's provider.
 * Everybody else gets numbers of two significant digits, no counts of nulls, and nothing of versions that are not
 * published. No view holds a minimum, a maximum or the source.
 */
export function toProductView({ product, version }: ProductRecord, exact: boolean): ProductView {
  const { title, description, provider } = product;
  const spec = version?.spec;
  return {
    id: product.id,
    ...(title === null ? {} : { title }),
    ...(description === null ? {} : { description }),
    ...(provider === null ? {} : { provider }),
    ...(spec?.subjectKey === undefined ? {} : { subjectKey: spec.subjectKey }),
    grade: spec?.grade ?? "L4",
    ...(version && (exact || version.state === "published") ? { version: versionView(version, exact) } : {}),
    columns: spec?.columns.map((column) => columnView(column, { manifest: version?.manifest ?? null, exact })) ?? [],
  };
}

const UNSUPPORTED = { code: "version_unsupported", message: ERROR_TABLE.version_unsupported.title };

function versionView(version: VersionRecord, exact: boolean): NonNullable<ProductView["version"]> {
  const { id, state, digest, manifest, progress_rows: rows, error } = version;
  return {
    id,
    state,
    createdAt: version.created_at.toISOString(),
    ...(digest === null ? {} : { digest }),
    ...(manifest ? { rowCount: rounded(manifest.rowCount, exact) } : {}),
    ...(state === "ingesting" && rows !== null ? { progress: { rows } } : {}),
    ...(error ? { error: { code: error.code, message: error.message } } : {}),
    ...(manifest && !isSupported(manifest) ? { error: UNSUPPORTED } : {}),
  };
}

function columnView(
  column: ProductSpec["columns"][number],
  seen: { manifest: ProductManifest | null; exact: boolean },
): ProductView["columns"][number] {
  const known = seen.manifest?.columns.find((each) => each.name === column.name);
  const statistics = known && {
    type: known.type,
    approxDistinct: rounded(known.approxDistinct, seen.exact),
    ...(seen.exact ? { nullCount: known.nullCount } : {}),
  };
  return { ...column, ...statistics };
}

function rounded(count: number, exact: boolean): number {
  return exact ? count : Number(count.toPrecision(2));
}
