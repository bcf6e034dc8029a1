import type { AuditContext } from "#audit/index.ts";
import { checkAuthority } from "#authority/index.ts";
import { requireReleaseQuota } from "#scheduling/index.ts";

/** Throws `quota_exceeded` when the agreement of the scenario allows no more releases in this period. */
export async function requireReleases(
  context: AuditContext,
  { scenario, organisation }: { scenario: string; organisation: string },
): Promise<void> {
  const { clock } = context;
  const authority = await checkAuthority(context.tx, { scenario, organisation, purpose: "job", clock });
  const quota = authority.effect === "permit" ? authority.chain.agreement.quota : null;
  if (quota) await requireReleaseQuota(context, scenario, quota);
}
