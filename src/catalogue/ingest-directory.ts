import type { Database } from "#persistence/index.ts";

/** Directory, relative to the data directory, of the version that a lease is making; undefined when it is lost. */
export async function findIngestDirectory(db: Database, lease: string): Promise<string | undefined> {
  const version = await db
    .selectFrom("product_versions")
    .select("directory")
    .where("lease", "=", lease)
    .where("state", "=", "ingesting")
    .executeTakeFirst();
  return version?.directory;
}
