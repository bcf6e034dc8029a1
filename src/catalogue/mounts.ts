import { join } from "node:path";
import type { MountedProduct } from "#contract/engine.ts";
import { isSupported, type ProductManifest } from "#contract/product.ts";
import { AppError } from "#kernel/errors.ts";
import type { Database, Transaction } from "#persistence/index.ts";

export interface MountableVersion {
  id: string;
  directory: string;
  /** Absent in a chain that was read without. */
  manifest?: ProductManifest | undefined;
}

/** The part of a chain of authority that says what is mounted. */
export interface MountingChain {
  products: readonly { id: string; version?: MountableVersion | undefined }[];
}

/**
 * What an engine of this chain's scenario mounts. Throws `product_unavailable` when a product has no version, and
 * `version_unsupported` when it has the format of another version of the server.
 */
export function mountsOf(chain: MountingChain, dataDirectory: string): MountedProduct[] {
  return chain.products.map(({ id, version }) => {
    if (!version) throw new AppError("product_unavailable", undefined, { details: { product: id } });
    if (!version.manifest) throw new Error("the chain was read without manifests");
    return toMount(id, { ...version, manifest: version.manifest }, dataDirectory);
  });
}

/**
 * The same for versions that a job was pinned to (product → version), in that order. A version that was withdrawn
 * since is not mounted (`product_unavailable`); an older published one is.
 */
export async function getMounts(
  db: Database | Transaction,
  pinned: Readonly<Record<string, string>>,
  dataDirectory: string,
): Promise<MountedProduct[]> {
  const found = await db
    .selectFrom("product_versions")
    .select(["id", "product", "directory", "manifest"])
    .where("id", "in", Object.values(pinned))
    .where("state", "=", "published")
    .execute();
  return Object.entries(pinned).map(([product, id]) => {
    const version = found.find((each) => each.id === id && each.product === product);
    if (!version?.manifest) throw new AppError("product_unavailable", undefined, { details: { product } });
    return toMount(product, { ...version, manifest: version.manifest }, dataDirectory);
  });
}

/**
 * All listed columns are granted so far. Of the files only those go along whose columns are all listed: a file
 * with a column that is not granted never reaches the engine. INVARIANT: nor does one of the governance zone.
 */
function toMount(
  id: string,
  version: MountableVersion & { manifest: ProductManifest },
  dataDirectory: string,
): MountedProduct {
  const { manifest } = version;
  if (!isSupported(manifest)) {
    throw new AppError("version_unsupported", undefined, { details: { product: id, version: version.id } });
  }
  const granted = new Set(manifest.columns.map((column) => column.name));
  return {
    id,
    version: version.id,
    directory: join(dataDirectory, version.directory),
    rowCount: manifest.rowCount,
    ...(manifest.subjectKey === undefined ? {} : { subjectKey: manifest.subjectKey }),
    columns: manifest.columns,
    files: manifest.files.filter(
      ({ zone, columns }) => zone === undefined && columns.every((name) => granted.has(name)),
    ),
  };
}
