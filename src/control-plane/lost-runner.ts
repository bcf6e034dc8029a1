import { isAppError } from "#kernel/errors.ts";
import { sweepLeases } from "./chores.ts";
import type { Deployment } from "./deployment.ts";

const ACTIVE = ["leased", "running"] as const;

/**
 * Gives back at once what a runner held of which it is known for certain that its process has ended: nobody needs to
 * wait until its leases run out. While the database is away they run out by themselves.
 */
export async function releaseLeases(deployment: Deployment, runner: string): Promise<void> {
  const { db, clock, log } = deployment;
  // a moment ago, so that the sweep takes them for run out
  const over = { lease_expires_at: new Date(clock.nowMs() - 1) };
  try {
    await db.updateTable("jobs").set(over).where("runner", "=", runner).where("state", "in", ACTIVE).execute();
    await db
      .updateTable("product_versions")
      .set(over)
      .where("runner", "=", runner)
      .where("state", "=", "ingesting")
      .where("lease", "is not", null)
      .execute();
    await sweepLeases(deployment);
  } catch (error) {
    if (!isAppError(error, "database_unavailable")) throw error;
    log.warn({ runner, err: error }, "leases of a runner that ended could not be given back");
  }
}
