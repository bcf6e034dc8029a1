import type { Selectable } from "kysely";
import type { NodePublicKey, NodeView } from "#contract/node.ts";
import type { Database, Schema } from "#persistence/index.ts";

/** The key by which a node signs; undefined for one that is not enrolled, or not any more. */
export async function findNodeKey(
  db: Database,
  name: string,
): Promise<{ publicKey: NodePublicKey; thumbprint: string } | undefined> {
  const node = await db
    .selectFrom("runner_nodes")
    .select(["public_key", "key_thumbprint"])
    .where("name", "=", name)
    .where("state", "=", "enrolled")
    .executeTakeFirst();
  if (!node?.public_key || node.key_thumbprint === null) return undefined;
  return { publicKey: node.public_key, thumbprint: node.key_thumbprint };
}

/** All nodes by name: they are machines, there are few. */
export async function listNodes(db: Database): Promise<NodeView[]> {
  const nodes = await db.selectFrom("runner_nodes").selectAll().orderBy("name").execute();
  return nodes.map(viewNode);
}

export async function findNode(db: Database, name: string): Promise<NodeView | undefined> {
  const node = await db.selectFrom("runner_nodes").selectAll().where("name", "=", name).executeTakeFirst();
  return node && viewNode(node);
}

function viewNode(node: Selectable<Schema["runner_nodes"]>): NodeView {
  return {
    name: node.name,
    state: node.state,
    ...(node.key_thumbprint === null ? {} : { keyThumbprint: node.key_thumbprint }),
    invitedBy: node.invited_by,
    invitedAt: node.invited_at.toISOString(),
    ...(node.enrolled_at === null ? {} : { enrolledAt: node.enrolled_at.toISOString() }),
    ...(node.revoked_at === null ? {} : { revokedAt: node.revoked_at.toISOString() }),
    ...(node.revoked_by === null ? {} : { revokedBy: node.revoked_by }),
    ...(node.revoke_reason === null ? {} : { revokeReason: node.revoke_reason }),
  };
}
