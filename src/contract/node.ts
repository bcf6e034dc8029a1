/**
 * Runner nodes: machines that take jobs over the network. An operator invites a node, the node enrols with a key that
 * it made itself, and every request that it sends from then on carries a token that this key signed.
 */
import { Type, type Static } from "typebox";
import { Instant, Name, OneOf, Page } from "./common.ts";

export const NODE_STATES = ["invited", "enrolled", "revoked"] as const;
export const NodeState = OneOf(NODE_STATES);
export type NodeState = (typeof NODE_STATES)[number];

const closed = { additionalProperties: false } as const;

/** Ed25519, RFC 8037; the private half never leaves the node. */
export const NodePublicKey = Type.Object(
  {
    kty: Type.Literal("OKP"),
    crv: Type.Literal("Ed25519"),
    x: Type.String({ pattern: "^[A-Za-z0-9_-]{43}$" }),
  },
  closed,
);
export type NodePublicKey = Static<typeof NodePublicKey>;

export const NodeInvite = Type.Object({ name: Name }, closed);
export type NodeInvite = Static<typeof NodeInvite>;

/** The answer to an invitation: the only place where the token is ever shown. */
export const NodeInvitation = Type.Object({
  name: Name,
  token: Type.String({ description: "For one enrolment, within the hour" }),
  expiresAt: Instant,
});
export type NodeInvitation = Static<typeof NodeInvitation>;

export const NodeRevoke = Type.Object({ reason: Type.String({ minLength: 1, maxLength: 2000 }) }, closed);
export type NodeRevoke = Static<typeof NodeRevoke>;

export const NodeView = Type.Object({
  name: Name,
  state: NodeState,
  keyThumbprint: Type.Optional(Type.String()),
  invitedBy: Type.String(),
  invitedAt: Instant,
  enrolledAt: Type.Optional(Instant),
  revokedAt: Type.Optional(Instant),
  revokedBy: Type.Optional(Type.String()),
  revokeReason: Type.Optional(Type.String()),
});
export type NodeView = Static<typeof NodeView>;
export const NodePage = Page(NodeView);

/** What a node sends to enrol, with its one-time token as bearer. `proof` is a JWT that its new key signed. */
export const NodeEnrolment = Type.Object(
  { name: Name, publicKey: NodePublicKey, proof: Type.String({ minLength: 1, maxLength: 4000 }) },
  closed,
);
export type NodeEnrolment = Static<typeof NodeEnrolment>;

/** `audience` names the deployment: a token for one is worth nothing at another. */
export const NodeEnrolled = Type.Object({ name: Name, audience: Type.String() });
export type NodeEnrolled = Static<typeof NodeEnrolled>;

/** Names of the runners that a server starts itself. */
export const LOCAL_RUNNER = "local";

/** `typ` of the tokens, so that one kind never passes for the other. */
export const RUNNER_TOKEN_TYPE = "sluice-runner+jwt";
/** For whom the proof of an enrolment is: the node does not know the deployment yet. */
export const ENROLMENT_AUDIENCE = "sluice-enrolment";
export const ENROLMENT_PROOF_TYPE = "sluice-enrolment+jwt";
/** Longest life of a runner's token. */
export const RUNNER_TOKEN_SECONDS = 60;

/** What a runner's token says besides who signed it, for whom and when: the request that it is for. */
export const RunnerTokenClaims = Type.Object({
  iss: Name,
  jti: Type.String({ minLength: 16, maxLength: 64 }),
  iat: Type.Number(),
  exp: Type.Number(),
  /** Method and path, as in RFC 9449. */
  htm: Type.String(),
  htu: Type.String(),
});
export type RunnerTokenClaims = Static<typeof RunnerTokenClaims>;

/** A replica of the control plane that was silent for so long is gone. */
export const REPLICA_GONE_AFTER_MS = 30_000;
