import type { ProductFile } from "#contract/product.ts";
import { AppError } from "#kernel/errors.ts";
import type { Database } from "#persistence/index.ts";

/**
 * Refuses a node that names a lease of somebody else (`not_found`). A lease that nobody has was taken away or has
 * ended: what is asked of it changes nothing and answers so itself.
 */
export async function requireOwnLease(db: Database, runner: string, lease: string): Promise<void> {
  const job = await db.selectFrom("jobs").select("runner").where("lease", "=", lease).executeTakeFirst();
  const holder =
    job ?? (await db.selectFrom("product_versions").select("runner").where("lease", "=", lease).executeTakeFirst());
  if (holder && holder.runner !== runner) throw new AppError("not_found", "there is no such lease");
}

export interface LeasedFile {
  /** Directory of its version, relative to where products are stored. */
  directory: string;
  file: ProductFile;
}

/**
 * The file with this digest among those that the job of a lease may mount. INVARIANT: only for a lease that holds now,
 * only of versions that its job was pinned to, never of the governance zone. Throws `not_found` otherwise.
 */
export async function getLeasedFile(db: Database, lease: string, digest: string): Promise<LeasedFile> {
  const job = await db
    .selectFrom("jobs")
    .select("authority")
    .where("lease", "=", lease)
    .where("state", "in", ["leased", "running"])
    .executeTakeFirst();
  if (!job) throw new AppError("not_found", "the lease is not held any more");
  const versions = await db
    .selectFrom("product_versions")
    .select(["directory", "manifest"])
    .where("id", "in", Object.values(job.authority.versions))
    .where("state", "=", "published")
    .execute();
  for (const { directory, manifest } of versions) {
    const granted = new Set(manifest?.columns.map(({ name }) => name));
    const file = manifest?.files.find((each) => each.digest === digest);
    if (file && file.zone === undefined && file.columns.every((name) => granted.has(name))) return { directory, file };
  }
  throw new AppError("not_found", "the lease has no such file");
}
