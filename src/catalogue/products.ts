import { OVERSIGHT_ROLES, type Role } from "#contract/organisation.ts";
import type { ProductView } from "#contract/product.ts";
import type { ScenarioState } from "#contract/scenario.ts";
import { AppError } from "#kernel/errors.ts";
import { type PageOf, pageOf, type PageRequest } from "#kernel/page.ts";
import type { Database, Transaction } from "#persistence/index.ts";
import { type ProductRecord, toProductView } from "./product-view.ts";

/** Whose eyes a view is made for; a `Principal` is one. */
export interface CatalogueReader {
  readonly organisation: string;
  readonly roles: readonly Role[];
}

/** A product as the caller may see it; `not_found` also when it is in none of the caller's scenarios. */
export async function getProduct(
  db: Database | Transaction,
  id: string,
  reader: CatalogueReader,
): Promise<ProductView> {
  const rows = await visibleProducts(db, reader).where("p.id", "=", id).execute();
  const [view] = await withVersions(db, rows, reader);
  if (!view) throw new AppError("not_found", "There is no such product");
  return view;
}

export async function listProducts(
  db: Database | Transaction,
  reader: CatalogueReader,
  request: PageRequest,
): Promise<PageOf<ProductView>> {
  const rows = await visibleProducts(db, reader)
    .where("p.id", ">", request.after ?? "")
    .orderBy("p.id")
    .limit(request.limit + 1)
    .execute();
  return pageOf(await withVersions(db, rows, reader), request.limit);
}

/** Scenarios that ended, or never began, show nobody a product. */
const ENDED: readonly ScenarioState[] = ["rejected", "expired", "terminated", "cleaned", "closed"];

function visibleProducts(db: Database | Transaction, reader: CatalogueReader) {
  return db
    .selectFrom("products as p")
    .selectAll("p")
    .$if(!overseesAll(reader), (query) =>
      query.where(({ or, and, eb, exists, selectFrom }) => {
        const used = selectFrom("scenario_products as sp")
          .innerJoin("scenarios as s", "s.id", "sp.scenario")
          .select("sp.product")
          .whereRef("sp.product", "=", "p.id")
          .where("s.developer", "=", reader.organisation)
          .where("s.state", "not in", ENDED);
        return or([
          and([eb.lit(reader.roles.includes("provider")), eb("p.provider", "=", reader.organisation)]),
          and([eb.lit(reader.roles.includes("developer")), exists(used)]),
        ]);
      }),
    );
}

type ProductRow = ProductRecord["product"];

/** Those who answer for the data see its newest version, others the one that is mounted. */
async function withVersions(
  db: Database | Transaction,
  products: readonly ProductRow[],
  reader: CatalogueReader,
): Promise<ProductView[]> {
  const shown = products.map((product) => {
    const exact = overseesAll(reader) || isProvider(reader, product);
    return { product, exact, id: exact ? product.latest_version : (product.current_version ?? product.latest_version) };
  });
  const ids = shown.flatMap(({ id }) => (id === null ? [] : [id]));
  if (ids.length === 0) return shown.map(({ product, exact }) => toProductView({ product, version: undefined }, exact));
  const versions = await db
    .selectFrom("product_versions")
    .select(["id", "state", "spec", "digest", "created_at", "manifest", "progress_rows", "error"])
    .where("id", "in", ids)
    .execute();
  return shown.map(({ product, exact, id }) => {
    return toProductView({ product, version: versions.find((version) => version.id === id) }, exact);
  });
}

function overseesAll(reader: CatalogueReader): boolean {
  return reader.roles.some((role) => OVERSIGHT_ROLES.includes(role));
}

function isProvider(reader: CatalogueReader, product: ProductRow): boolean {
  return reader.roles.includes("provider") && product.provider === reader.organisation;
}
