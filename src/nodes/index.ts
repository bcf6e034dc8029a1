/**
 * Nodes: machines that take jobs over the network. Who may be one (invitation, enrolment, revocation), by which key,
 * and what of the data products the lease of one covers.
 *
 * It must never keep a token or a private key, and never answer for a lease that does not hold.
 */
export { enrolNode, type Enrolment } from "./enrol.ts";
export { inviteNode } from "./invite.ts";
export { getLeasedFile, type LeasedFile, requireOwnLease } from "./leases.ts";
export { findNode, findNodeKey, listNodes } from "./read.ts";
export { type LostLeases, revokeNode } from "./revoke.ts";
