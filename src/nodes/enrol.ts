import { type AuditContext, record } from "#audit/index.ts";
import type { NodePublicKey } from "#contract/node.ts";
import { sha256 } from "#kernel/digest.ts";
import { AppError } from "#kernel/errors.ts";
import { isUniqueViolation, json } from "#persistence/index.ts";

export interface Enrolment {
  name: string;
  token: string;
  /** Its possession was proved. */
  publicKey: NodePublicKey;
  thumbprint: string;
}

/**
 * Takes a node's key. The same token with the same key again changes nothing: the first answer may have been lost.
 * Answers whether it is new. Throws `unauthenticated`, whatever is wrong: a token is good or it is not.
 */
export async function enrolNode(context: AuditContext, enrolment: Enrolment): Promise<boolean> {
  const { name, token, publicKey, thumbprint } = enrolment;
  const now = new Date(context.clock.nowMs());
  const node = await context.tx
    .selectFrom("runner_nodes")
    .select(["state", "key_thumbprint"])
    .where("name", "=", name)
    .where("enrolment_digest", "=", sha256(token))
    .where("enrolment_expires_at", ">", now)
    .where("state", "in", ["invited", "enrolled"])
    .forUpdate()
    .executeTakeFirst();
  if (!node) throw new AppError("unauthenticated", "the enrolment token is not valid for this node");
  if (node.state === "enrolled") {
    if (node.key_thumbprint === thumbprint) return false;
    throw new AppError("unauthenticated", "the enrolment token is not valid for this node");
  }
  await context.tx
    .updateTable("runner_nodes")
    .set({ state: "enrolled", public_key: json(publicKey), key_thumbprint: thumbprint, enrolled_at: now })
    .where("name", "=", name)
    .execute()
    .catch((error: unknown) => {
      if (isUniqueViolation(error)) throw new AppError("conflict", "another node has this key");
      throw error;
    });
  await record(context, { action: "runner.enrolled", subject: { kind: "runner", id: name }, detail: { thumbprint } });
  return true;
}
