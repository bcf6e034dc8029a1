import { join } from "node:path";
import { type Selectable, sql } from "kysely";
import { Check } from "typebox/value";
import { type AuditContext, record } from "#audit/index.ts";
import { ProductManifest, type ProductSpec } from "#contract/product.ts";
import type { IngestOffer } from "#contract/runner.ts";
import { canonicalJson } from "#kernel/canonical-json.ts";
import { isDigest } from "#kernel/digest.ts";
import { AppError } from "#kernel/errors.ts";
import { createId } from "#kernel/ids.ts";
import { type Database, json, type Schema, type Transaction } from "#persistence/index.ts";

type VersionRow = Selectable<Schema["product_versions"]>;
export type IngestError = NonNullable<VersionRow["error"]>;

/** A version that was leased so often and never reported is given up: its source kills runners. */
const MAX_ATTEMPTS = 3;
/** No lease is given for longer: what ends later was given by a clock that went wrong, and nobody has prolonged it since. */
const LONGEST_LEASE_MS = 600_000;

/**
 * Leases the oldest waiting version to a runner; undefined when there is none. The offer carries the database
 * address with its password, which nothing else ever reads.
 */
export async function claimIngest(
  context: AuditContext,
  request: { runner: string; leaseMs: number; dataDirectory: string },
): Promise<IngestOffer | undefined> {
  const nowMs = context.clock.nowMs();
  const lease = createId("lease", nowMs);
  const waiting = context.tx
    .selectFrom("product_versions")
    .select("id")
    .where("state", "=", "ingesting")
    .where("lease", "is", null)
    .orderBy("created_at")
    .orderBy("id")
    .limit(1)
    .forUpdate()
    .skipLocked();
  const claimed = await context.tx
    .updateTable("product_versions")
    .set({ lease, runner: request.runner, lease_expires_at: new Date(nowMs + request.leaseMs) })
    .set({ attempts: sql`attempts + 1` })
    .where("id", "=", waiting)
    .returning(["id", "spec", "source_secret", "directory", "product"])
    .executeTakeFirst();
  if (!claimed) return undefined;
  const { id: version, product, directory } = claimed;
  const detail = { product, runner: request.runner };
  await record(context, {
    action: "product_version.leased",
    subject: { kind: "product_version", id: version },
    detail,
  });
  const spec = withSecret(claimed.spec, claimed.source_secret);
  const { dataDirectory } = request;
  const subjectsDirectory = join(dataDirectory, "governance", "subjects");
  return { kind: "ingest", lease, version, spec, directory: join(dataDirectory, directory), subjectsDirectory };
}

function withSecret(spec: ProductSpec, secret: string | null): ProductSpec {
  if (secret === null || !("postgres" in spec.source)) return spec;
  return { ...spec, source: { postgres: secret, table: spec.source.table } };
}

/** Keeps a lease alive. No state changes, so there is no audit entry; `cancel` when the work is not wanted any more. */
export async function heartbeatIngest(
  db: Database | Transaction,
  request: { lease: string; leaseMs: number; nowMs: number },
): Promise<{ cancel: boolean }> {
  const { lease, leaseMs, nowMs } = request;
  const kept = await db
    .updateTable("product_versions")
    .set({ lease_expires_at: new Date(nowMs + leaseMs) })
    .where("lease", "=", lease)
    .where("state", "=", "ingesting")
    .returning("id")
    .executeTakeFirst();
  return { cancel: !kept };
}

/** How far an ingest is; shown to the operator, no audit entry. An unknown lease is ignored: its heartbeat says so. */
export async function reportIngestProgress(
  db: Database | Transaction,
  progress: { lease: string; rows: number },
): Promise<void> {
  await db
    .updateTable("product_versions")
    .set({ progress_rows: progress.rows })
    .where("lease", "=", progress.lease)
    .where("state", "=", "ingesting")
    .execute();
}

export type IngestEnd = { lease: string } & (
  | { manifest: ProductManifest; manifestDigest: string; error?: undefined }
  | { error: IngestError; manifest?: undefined }
);

/**
 * Ends an ingest: the version is published and becomes the product's current one, or it failed. A manifest that is
 * not what was declared (other columns, roles, grades) fails the version with `manifest_mismatch`: a runner does
 * not lower a grade. Throws `not_found` when the lease is lost; the files are then nobody's.
 */
export async function finishIngest(context: AuditContext, end: IngestEnd): Promise<"published" | "failed"> {
  const version = await context.tx
    .selectFrom("product_versions")
    .selectAll()
    .where("lease", "=", end.lease)
    .where("state", "=", "ingesting")
    .forUpdate()
    .executeTakeFirst();
  if (!version) throw new AppError("not_found", "The lease is not held any more");
  if (end.error) return await fail(context, version, end.error);
  const mismatch = findMismatch(version.spec, end.manifest, end.manifestDigest);
  if (mismatch) return await fail(context, version, { code: "manifest_mismatch", message: mismatch });
  return await publish(context, version, end);
}

async function publish(
  context: AuditContext,
  version: VersionRow,
  { manifest, manifestDigest }: { manifest: ProductManifest; manifestDigest: string },
): Promise<"published"> {
  const { id, product } = version;
  await endVersion(context, id, { state: "published", manifest: json(manifest), digest: manifestDigest });
  await context.tx
    .updateTable("products")
    .set({ current_version: id, updated_at: new Date(context.clock.nowMs()) })
    .where("id", "=", product)
    // Ids sort by time: an older version that finishes late does not replace a newer one.
    .where(({ or, eb }) => or([eb("current_version", "is", null), eb("current_version", "<", id)]))
    .execute();
  const detail = { product, digest: manifestDigest, rows: manifest.rowCount };
  await record(context, { action: "product_version.published", subject: { kind: "product_version", id }, detail });
  return "published";
}

async function fail(context: AuditContext, version: VersionRow, error: IngestError): Promise<"failed"> {
  const { id, product } = version;
  await endVersion(context, id, { state: "failed", error: json(error) });
  const detail = { product, code: error.code };
  const subject = { kind: "product_version", id };
  await record(context, { action: "product_version.failed", subject, outcome: "failure", detail });
  return "failed";
}

type VersionEnd =
  | { state: "published"; manifest: ReturnType<typeof json<ProductManifest>>; digest: string }
  | { state: "failed"; error: ReturnType<typeof json<IngestError>> };

async function endVersion(context: AuditContext, id: string, end: VersionEnd): Promise<void> {
  await context.tx
    .updateTable("product_versions")
    .set({ ...end, source_secret: null, lease: null, lease_expires_at: null })
    .set({ ended_at: new Date(context.clock.nowMs()) })
    .where("id", "=", id)
    .execute();
}

function findMismatch(spec: ProductSpec, manifest: ProductManifest, digest: string): string | undefined {
  if (!isDigest(digest)) return "The digest of the manifest has another form";
  if (!Check(ProductManifest, manifest)) return "The manifest has another form";
  const { product, subjectKey, grade } = manifest;
  const declared = { product: spec.id, subjectKey: spec.subjectKey, grade: spec.grade };
  if (canonicalJson({ product, subjectKey, grade }) !== canonicalJson(declared)) {
    return "The manifest is of another product";
  }
  if (canonicalJson(manifest.columns.map(claimOf)) !== canonicalJson(spec.columns.map(claimOf))) {
    return "The manifest's columns are not the declared ones";
  }
  return undefined;
}

function claimOf(column: ProductSpec["columns"][number] | ProductManifest["columns"][number]) {
  const { name, role, grade, generalise = [], bounds } = column;
  return { name, role, grade, generalise, bounds };
}

/** Gives versions whose lease ran out back to the queue, or up after three attempts. Returns how many of each. */
export async function requeueLostIngests(context: AuditContext): Promise<{ requeued: number; failed: number }> {
  const now = new Date(context.clock.nowMs());
  const ahead = new Date(context.clock.nowMs() + LONGEST_LEASE_MS);
  const lost = await context.tx
    .selectFrom("product_versions")
    .selectAll()
    .where("state", "=", "ingesting")
    .where(({ or, eb }) => or([eb("lease_expires_at", "<", now), eb("lease_expires_at", ">", ahead)]))
    .orderBy("id")
    .forUpdate()
    .skipLocked()
    .execute();
  const hopeless = lost.filter((version) => version.attempts >= MAX_ATTEMPTS);
  for (const version of hopeless) {
    await fail(context, version, { code: "runner_lost", message: "The runner was lost too often" });
  }
  for (const version of lost.filter((each) => each.attempts < MAX_ATTEMPTS)) await requeue(context, version);
  return { requeued: lost.length - hopeless.length, failed: hopeless.length };
}

async function requeue(context: AuditContext, version: VersionRow): Promise<void> {
  const { id, product, attempts } = version;
  await context.tx
    .updateTable("product_versions")
    .set({ lease: null, runner: null, lease_expires_at: null, progress_rows: null })
    .where("id", "=", id)
    .execute();
  const subject = { kind: "product_version", id };
  await record(context, { action: "product_version.requeued", subject, detail: { product, attempts } });
}
