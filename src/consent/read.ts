import type { ConsentView } from "#contract/consent.ts";
import type { JoinRule } from "#contract/scenario.ts";
import { canonicalJson } from "#kernel/canonical-json.ts";
import { type Digest, sha256 } from "#kernel/digest.ts";
import { AppError } from "#kernel/errors.ts";
import type { Database, Transaction } from "#persistence/index.ts";

/** What a consent is about: the products and joins that the scenario has. */
export interface Linkage {
  /** Product → its provider, where it has one. */
  providers: ReadonlyMap<string, string>;
  covers: Digest;
}

/** @throws AppError `not_found` */
export async function readLinkage(db: Database | Transaction, scenario: string): Promise<Linkage> {
  const found = await db.selectFrom("scenarios").select("joins").where("id", "=", scenario).executeTakeFirst();
  if (!found) throw new AppError("not_found");
  const products = await db
    .selectFrom("scenario_products as sp")
    .innerJoin("products as p", "p.id", "sp.product")
    .select(["p.id", "p.provider"])
    .where("sp.scenario", "=", scenario)
    .orderBy("p.id")
    .execute();
  const joins = found.joins.map(({ left, right }: JoinRule) => [left, right]).toSorted(byText);
  return {
    providers: new Map(products.flatMap(({ id, provider }) => (provider === null ? [] : [[id, provider]]))),
    covers: sha256(canonicalJson({ products: products.map(({ id, provider }) => [id, provider]), joins })),
  };
}

function byText(a: readonly string[], b: readonly string[]): number {
  return a.join(" ") < b.join(" ") ? -1 : 1;
}

/** The word of every provider of the scenario's products, in order. */
export async function listConsents(db: Database | Transaction, scenario: string): Promise<ConsentView[]> {
  const { providers, covers } = await readLinkage(db, scenario);
  const rows = await db.selectFrom("join_consents").selectAll().where("scenario", "=", scenario).execute();
  return [...new Set(providers.values())].toSorted().map((provider): ConsentView => {
    const row = rows.find((one) => one.provider === provider);
    if (!row) return { provider, state: "missing" };
    const { comment, decided_by: decidedBy, decided_at: at } = row;
    const state = row.state === "given" && row.covers !== covers ? "outdated" : row.state;
    return { provider, state, comment, decidedBy, decidedAt: at.toISOString() };
  });
}

/**
 * Whether what was read may be linked: data of one provider, or each provider of them consents. Products without a
 * provider are nobody's. INVARIANT: whose a product is does not depend on the scenario, which may have lost it since.
 */
export async function hasProvidersConsent(
  db: Database | Transaction,
  scenario: string,
  products: readonly string[],
): Promise<boolean> {
  if (products.length < 2) return true;
  const rows = await db.selectFrom("products").select("provider").where("id", "in", products).execute();
  const read = new Set(rows.flatMap(({ provider }) => provider ?? []));
  if (read.size < 2) return true;
  const given = (await listConsents(db, scenario)).filter(({ state }) => state === "given");
  const consenting = new Set(given.map(({ provider }) => provider));
  return [...read].every((provider) => consenting.has(provider));
}
