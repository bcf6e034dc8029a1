import { type AuditContext, record } from "#audit/index.ts";
import type { ProductSpec } from "#contract/product.ts";
import { canonicalJson } from "#kernel/canonical-json.ts";
import { sha256 } from "#kernel/digest.ts";
import { AppError } from "#kernel/errors.ts";
import { createId } from "#kernel/ids.ts";
import { json } from "#persistence/index.ts";
import { invalidProduct, requireSpec } from "./check-spec.ts";
import type { CheckedSource } from "./source.ts";

export interface Publication {
  spec: ProductSpec;
  /** What `checkSource` said of `spec.source`; made before the transaction, because it reads the whole file. */
  source: CheckedSource;
  /** Read a database table again although nothing was declared anew. */
  refresh?: boolean;
}

export interface PublicationResult {
  change: "created" | "updated" | "unchanged";
  version: string;
}

/**
 * Declares a product and puts a new version in the queue for ingest, unless the newest version has the same
 * specification and source and did not fail. A version that is still being made from an older declaration is given
 * up. Throws `invalid_product` with JSON pointers.
 */
export async function publishProduct(context: AuditContext, publication: Publication): Promise<PublicationResult> {
  const { spec, source } = publication;
  requireSpec(spec);
  await requireProvider(context, spec);
  const stored: ProductSpec = { ...spec, source: source.source };
  const known = await readProduct(context, spec.id);
  if (!known) {
    await insertProduct(context, stored);
    return { change: "created", version: await createVersion(context, { ...publication, spec: stored }) };
  }
  const renamed = await updateProduct(context, known, stored);
  const latest = await readLatest(context, known);
  if (latest && isSame(latest, { ...publication, spec: stored })) {
    return { change: renamed ? "updated" : "unchanged", version: latest.id };
  }
  if (latest?.state === "ingesting") await giveUp(context, latest);
  return { change: "updated", version: await createVersion(context, { ...publication, spec: stored }) };
}

async function requireProvider(context: AuditContext, { provider }: ProductSpec): Promise<void> {
  if (provider === undefined) return;
  const found = await context.tx.selectFrom("organisations").select("id").where("id", "=", provider).executeTakeFirst();
  if (!found) throw invalidProduct([{ path: "/provider", message: "There is no such organisation" }]);
}

async function readProduct({ tx }: AuditContext, id: string) {
  return await tx.selectFrom("products").selectAll().where("id", "=", id).executeTakeFirst();
}

type Product = NonNullable<Awaited<ReturnType<typeof readProduct>>>;

async function readLatest({ tx }: AuditContext, product: Product) {
  return await tx
    .selectFrom("product_versions")
    .select(["id", "state", "spec_digest", "source_digest"])
    .where("id", "=", product.latest_version)
    .executeTakeFirst();
}

type Version = NonNullable<Awaited<ReturnType<typeof readLatest>>>;

async function insertProduct(context: AuditContext, spec: ProductSpec): Promise<void> {
  const at = new Date(context.clock.nowMs());
  const inserted = await context.tx
    .insertInto("products")
    .values({ id: spec.id, ...wordsOf(spec), created_at: at, updated_at: at })
    .onConflict((conflict) => conflict.column("id").doNothing())
    .returning("id")
    .executeTakeFirst();
  if (!inserted) throw new AppError("conflict", "The product was declared by somebody else at the same moment");
}

/** Title, description and provider belong to the product: changing them makes no new version. */
function wordsOf({ title = null, description = null, provider = null }: ProductSpec | Product) {
  return { title, description, provider };
}

async function updateProduct(context: AuditContext, known: Product, spec: ProductSpec): Promise<boolean> {
  if (canonicalJson(wordsOf(known)) === canonicalJson(wordsOf(spec))) return false;
  await context.tx
    .updateTable("products")
    .set({ ...wordsOf(spec), updated_at: new Date(context.clock.nowMs()) })
    .where("id", "=", known.id)
    .execute();
  await record(context, { action: "product.updated", subject: { kind: "product", id: known.id } });
  return true;
}

function isSame(latest: Version, { spec, source, refresh = false }: Publication): boolean {
  if (latest.state !== "ingesting" && latest.state !== "published") return false;
  if (latest.spec_digest !== digestOf(spec)) return false;
  return source.digest === undefined ? !refresh : latest.source_digest === source.digest;
}

function digestOf(spec: ProductSpec): string {
  const { id, source, subjectKey, grade, columns } = spec;
  return sha256(canonicalJson({ id, source, subjectKey, grade, columns }));
}

async function giveUp(context: AuditContext, version: Version): Promise<void> {
  const error = { code: "superseded", message: "A newer declaration took its place" };
  await context.tx
    .updateTable("product_versions")
    .set({
      state: "failed",
      error: json(error),
      source_secret: null,
      lease: null,
      lease_expires_at: null,
      ended_at: new Date(context.clock.nowMs()),
    })
    .where("id", "=", version.id)
    .where("state", "=", "ingesting")
    .execute();
  const subject = { kind: "product_version", id: version.id };
  await record(context, {
    action: "product_version.failed",
    subject,
    outcome: "failure",
    detail: { code: error.code },
  });
}

async function createVersion(context: AuditContext, { spec, source }: Publication): Promise<string> {
  const id = createId("productVersion", context.clock.nowMs());
  const at = new Date(context.clock.nowMs());
  const specDigest = digestOf(spec);
  await context.tx
    .insertInto("product_versions")
    .values({
      id,
      product: spec.id,
      state: "ingesting",
      spec: json(spec),
      spec_digest: specDigest,
      source_digest: source.digest ?? null,
      source_secret: source.secret ?? null,
      directory: `products/${spec.id}/${id}`,
      created_by: context.actor.id,
      created_at: at,
    })
    .execute();
  await context.tx
    .updateTable("products")
    .set({ latest_version: id, updated_at: at })
    .where("id", "=", spec.id)
    .execute();
  const sourceDigest = source.digest ?? null;
  const detail = { product: spec.id, specDigest, sourceDigest };
  await record(context, { action: "product_version.created", subject: { kind: "product_version", id }, detail });
  return id;
}
