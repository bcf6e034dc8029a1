import { suspensionReasons } from "#authority/index.ts";
import { AppError } from "#kernel/errors.ts";
import type { Deployment } from "./deployment.ts";

/**
 * What is suspended takes nothing out any more, what was released or could be read before included; the operator's people
 * still can. Throws `authority_missing`.
 */
export async function requireUnsuspended(
  { db, clock }: Deployment,
  { scenario, organisation }: { scenario: string; organisation: string },
): Promise<void> {
  const reasons = await suspensionReasons(db, { scenario, organisation, clock });
  if (reasons.length > 0) throw new AppError("authority_missing", undefined, { details: { reasons } });
}
