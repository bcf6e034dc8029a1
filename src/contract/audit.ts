import { Type, type Static } from "typebox";
import { DigestText, Instant, OneOf } from "./common.ts";

/** One entry of the audit log. `hash` covers every other member and `previous`, so the order is fixed too. */
export const AuditEntry = Type.Object({
  seq: Type.Integer({ minimum: 1 }),
  at: Instant,
  actor: Type.Object({
    kind: OneOf(["person", "system", "runner"]),
    id: Type.String(),
    organisation: Type.Optional(Type.String()),
    roles: Type.Optional(Type.Array(Type.String())),
  }),
  /** `noun.past_tense`, e.g. `job.submitted`. */
  action: Type.String(),
  subject: Type.Object({ kind: Type.String(), id: Type.String() }),
  outcome: OneOf(["success", "denied", "failure"]),
  requestId: Type.Optional(Type.String()),
  /** Codes, identifiers and digests; never a value of the data. */
  detail: Type.Record(Type.String(), Type.Unknown()),
  previous: DigestText,
  hash: DigestText,
});
export type AuditEntry = Static<typeof AuditEntry>;

export const AuditCheckpoint = Type.Object({ seq: Type.Integer({ minimum: 0 }), hash: DigestText, at: Instant });
export type AuditCheckpoint = Static<typeof AuditCheckpoint>;
