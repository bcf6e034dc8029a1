import { randomBytes } from "node:crypto";
import { type AuditContext, record } from "#audit/index.ts";
import { LOCAL_RUNNER, type NodeInvitation } from "#contract/node.ts";
import { sha256 } from "#kernel/digest.ts";
import { AppError } from "#kernel/errors.ts";

const INVITATION_MS = 3_600_000;
const TOKEN_BYTES = 32;

/**
 * Invites a node: its name and a one-time token, of which only the digest is kept. A node that is invited or revoked
 * may be invited again, and the token before is worth nothing then. Throws `conflict` for one that is enrolled, and
 * `invalid_request` for the name of a local runner.
 */
export async function inviteNode(context: AuditContext, name: string): Promise<NodeInvitation> {
  if (name.startsWith(LOCAL_RUNNER)) {
    throw new AppError(
      "invalid_request",
      `names that begin with ${LOCAL_RUNNER} are those of the servers' own runners`,
    );
  }
  const nowMs = context.clock.nowMs();
  const token = `enr_${randomBytes(TOKEN_BYTES).toString("base64url")}`;
  const expiresAt = new Date(nowMs + INVITATION_MS);
  const invitation = {
    state: "invited" as const,
    enrolment_digest: sha256(token),
    enrolment_expires_at: expiresAt,
    public_key: null,
    key_thumbprint: null,
    invited_by: context.actor.id,
    invited_at: new Date(nowMs),
    enrolled_at: null,
    revoked_at: null,
    revoked_by: null,
    revoke_reason: null,
  };
  const invited = await context.tx
    .insertInto("runner_nodes")
    .values({ name, ...invitation })
    .onConflict((conflict) =>
      conflict.column("name").doUpdateSet(invitation).where("runner_nodes.state", "<>", "enrolled"),
    )
    .returning("name")
    .executeTakeFirst();
  if (!invited) throw new AppError("conflict", "the node is enrolled: revoke it before it is invited again");
  const detail = { until: expiresAt.toISOString() };
  await record(context, { action: "runner.invited", subject: { kind: "runner", id: name }, detail });
  return { name, token, expiresAt: expiresAt.toISOString() };
}
