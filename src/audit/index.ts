/**
 * Audit: the append-only, hash-chained log. Every function that writes takes an `AuditContext`, so its entry and
 * its change are one transaction. `verifyChain` and `verifyNdjson` need no database: anyone can check an export.
 *
 * It must never change or remove an entry (triggers refuse it), write outside the caller's transaction, or hold
 * a value of the data: `detail` carries codes, identifiers and digests.
 */
export type { AuditActor, AuditContext, AuditEvent } from "./context.ts";
export { withAudit } from "./with-audit.ts";
export { type AuditGroup, createAuditGroup } from "./audit-group.ts";
export { itemsForLater, type LateWrite, record, recordLater, writeLater } from "./record.ts";
export { genesisHash, hashEntry } from "./hash.ts";
export { type AuditFilter, currentCheckpoint, listEntries, readEntries } from "./read.ts";
export { type ChainPosition, type ChainProblem, type ChainVerdict, verifyChain } from "./verify-chain.ts";
export { verifyLog, verifyLogWithin } from "./verify-log.ts";
export { verifyNdjson } from "./verify-ndjson.ts";
