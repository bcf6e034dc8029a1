import type { Selectable } from "kysely";
import { type AuditContext, record } from "#audit/index.ts";
import type { PolicyBundleSummary } from "#contract/policy.ts";
import { AppError } from "#kernel/errors.ts";
import { type Database, json, type Schema } from "#persistence/index.ts";
import type { PolicyBundle } from "#policy/index.ts";

type BundleRow = Selectable<Schema["policy_bundles"]>;

/**
 * Keeps the text of the bundle that decides from now on. A bundle other than the last one is an audit entry; starting
 * again with the same changes nothing.
 */
export async function adoptPolicies(context: AuditContext, bundle: PolicyBundle): Promise<void> {
  const { tx, clock, actor } = context;
  const last = await newest(tx);
  if (last?.digest === bundle.digest) return;
  const now = new Date(clock.nowMs());
  const adopted = { adopted_at: now, adopted_by: `${actor.kind}:${actor.id}` };
  const files = Object.fromEntries(bundle.files);
  const row = await tx
    .insertInto("policy_bundles")
    .values({ digest: bundle.digest, files: json(files), first_used_at: now, ...adopted })
    .onConflict((conflict) => conflict.column("digest").doUpdateSet(adopted))
    .returning("first_used_at")
    .executeTakeFirstOrThrow();
  await record(context, {
    action: "policies.adopted",
    subject: { kind: "policy_bundle", id: bundle.digest },
    detail: { previous: last?.digest ?? null, isNew: row.first_used_at.getTime() === now.getTime() },
  });
}

async function newest(db: Database): Promise<{ digest: string } | undefined> {
  return db
    .selectFrom("policy_bundles")
    .select("digest")
    .orderBy("adopted_at", "desc")
    .orderBy("digest")
    .limit(1)
    .executeTakeFirst();
}

/** All bundles that ever decided, the one adopted last first. There are few: they change with the policies. */
export async function listPolicyBundles(db: Database, current: string): Promise<PolicyBundleSummary[]> {
  const rows = await db
    .selectFrom("policy_bundles")
    .select(["digest", "first_used_at", "adopted_at", "adopted_by"])
    .orderBy("adopted_at", "desc")
    .orderBy("digest")
    .execute();
  return rows.map((row) => summaryOf(row, current));
}

export async function getPolicyBundle(
  db: Database,
  digest: string,
  current: string,
): Promise<PolicyBundleSummary & { files: Record<string, string> }> {
  const row = await db.selectFrom("policy_bundles").selectAll().where("digest", "=", digest).executeTakeFirst();
  if (!row) throw new AppError("not_found");
  return { ...summaryOf(row, current), files: row.files };
}

function summaryOf(row: Omit<BundleRow, "files">, current: string): PolicyBundleSummary {
  return {
    digest: row.digest,
    current: row.digest === current,
    firstUsedAt: row.first_used_at.toISOString(),
    adoptedAt: row.adopted_at.toISOString(),
    adoptedBy: row.adopted_by,
  };
}
