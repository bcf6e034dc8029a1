import { type AuditContext, record } from "#audit/index.ts";
import { AppError } from "#kernel/errors.ts";

export interface Withdrawal {
  product: string;
  version: string;
  reason: string;
}

/**
 * Takes a published version out of use. When it is the current one, the product has none until another is published:
 * going back to an older version by itself could bring back what was wrong with it.
 */
export async function withdrawVersion(context: AuditContext, withdrawal: Withdrawal): Promise<void> {
  const { product, version, reason } = withdrawal;
  const { tx } = context;
  const at = new Date(context.clock.nowMs());
  const withdrawn = await tx
    .updateTable("product_versions")
    .set({ state: "withdrawn", ended_at: at })
    .where("id", "=", version)
    .where("product", "=", product)
    .where("state", "=", "published")
    .returning("id")
    .executeTakeFirst();
  if (!withdrawn) throw await refusal(context, withdrawal);
  await tx
    .updateTable("products")
    .set({ current_version: null, updated_at: at })
    .where("id", "=", product)
    .where("current_version", "=", version)
    .execute();
  const subject = { kind: "product_version", id: version };
  await record(context, { action: "product_version.withdrawn", subject, detail: { product, reason } });
}

async function refusal({ tx }: AuditContext, { product, version }: Withdrawal): Promise<AppError> {
  const found = await tx
    .selectFrom("product_versions")
    .select("state")
    .where("id", "=", version)
    .where("product", "=", product)
    .executeTakeFirst();
  if (!found) return new AppError("not_found", "There is no such product version");
  return new AppError("invalid_transition", `A version that is ${found.state} cannot be withdrawn`);
}
