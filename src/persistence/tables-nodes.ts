import type { ColumnType, RawBuilder } from "kysely";
import type { NodePublicKey, NodeState } from "#contract/node.ts";

type NullableJson<T> = ColumnType<T | null, RawBuilder<T> | null | undefined, RawBuilder<T> | null>;

/** A machine that takes jobs over the network. */
export interface RunnerNodeRow {
  name: string;
  state: NodeState;
  enrolment_digest: string | null;
  enrolment_expires_at: Date | null;
  public_key: NullableJson<NodePublicKey>;
  key_thumbprint: string | null;
  invited_by: string;
  invited_at: Date;
  enrolled_at: Date | null;
  revoked_at: Date | null;
  revoked_by: string | null;
  revoke_reason: string | null;
}

/** One process of the control plane, while it is at work. */
export interface ReplicaRow {
  id: string;
  policy_bundle: string;
  started_at: Date;
  seen_at: Date;
}

export interface NodeTables {
  runner_nodes: RunnerNodeRow;
  replicas: ReplicaRow;
}
