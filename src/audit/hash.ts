import type { AuditEntry } from "#contract/audit.ts";
import { canonicalJson } from "#kernel/canonical-json.ts";
import { type Digest, sha256 } from "#kernel/digest.ts";

/** `previous` of the first entry. */
export const genesisHash: Digest = sha256("sluice-audit/1");

/** sha256 of the canonical JSON of all members but `hash`. */
export function hashEntry(entry: Omit<AuditEntry, "hash">): Digest {
  const { hash: _, ...covered } = entry as AuditEntry;
  return sha256(canonicalJson(covered));
}
