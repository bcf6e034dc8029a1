import { type AuditContext, record } from "#audit/index.ts";
import { requeueLostJobs } from "#jobs/index.ts";
import { AppError } from "#kernel/errors.ts";

export type LostLeases = Awaited<ReturnType<typeof requeueLostJobs>>;

/**
 * Takes a node's right to be one: from the commit on its requests are refused, and its jobs are given to others or, if
 * they were tried often enough, end. Throws `not_found`, or `invalid_transition` when it is revoked already.
 */
export async function revokeNode(
  context: AuditContext,
  { name, reason }: { name: string; reason: string },
): Promise<LostLeases> {
  const { tx, clock, actor } = context;
  const nowMs = clock.nowMs();
  const node = await tx
    .selectFrom("runner_nodes")
    .select("state")
    .where("name", "=", name)
    .forUpdate()
    .executeTakeFirst();
  if (!node) throw new AppError("not_found", "there is no such runner node");
  if (node.state === "revoked") throw new AppError("invalid_transition", "the runner node is revoked already");
  await tx
    .updateTable("runner_nodes")
    .set({ state: "revoked", enrolment_digest: null, enrolment_expires_at: null })
    .set({ revoked_at: new Date(nowMs), revoked_by: actor.id, revoke_reason: reason })
    .where("name", "=", name)
    .execute();
  // over already: what gives lost leases back takes them from here
  await tx
    .updateTable("jobs")
    .set({ lease_expires_at: new Date(nowMs - 1) })
    .where("runner", "=", name)
    .where("state", "in", ["leased", "running"])
    .execute();
  const lost = await requeueLostJobs(context);
  const own = lost.lost.filter(({ runner }) => runner === name).length;
  await record(context, {
    action: "runner.revoked",
    subject: { kind: "runner", id: name },
    detail: { reason, leases: own },
  });
  return lost;
}
