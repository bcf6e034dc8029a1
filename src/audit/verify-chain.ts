import type { AuditCheckpoint, AuditEntry } from "#contract/audit.ts";
import { genesisHash, hashEntry } from "./hash.ts";

/** A place in the chain that is known to be right, e.g. a checkpoint that was kept elsewhere. */
export type ChainPosition = Pick<AuditCheckpoint, "seq" | "hash">;

export type ChainProblem =
  /** The entry's content does not match its hash: it was changed. */
  | "hash_mismatch"
  /** The entry does not follow the one before it: changed and hashed anew, or put in another order. */
  | "chain_broken"
  /** A number is missing or out of order: entries were removed or moved. */
  | "sequence_gap"
  /** The chain does not end where the head says: entries were removed at the end, or written past it. */
  | "head_mismatch"
  /** The line is no entry at all. */
  | "entry_invalid";

export type ChainVerdict =
  | { ok: true; entries: number; checkpoint: AuditCheckpoint }
  | { ok: false; seq: number; problem: ChainProblem };

const GENESIS: AuditCheckpoint = { seq: 0, hash: genesisHash, at: "1970-01-01T00:00:00.000Z" };

/**
 * Walks the entries from `from` (default: the beginning of the log) to the end, and compares the end with `to`.
 * Without `to`, entries that were cut off at the end cannot be noticed. `seq` of a refusal is the number at
 * which the chain breaks.
 */
export async function verifyChain(
  entries: AsyncIterable<AuditEntry> | Iterable<AuditEntry>,
  options: { from?: ChainPosition | undefined; to?: ChainPosition | undefined } = {},
): Promise<ChainVerdict> {
  const start: AuditCheckpoint = { ...GENESIS, ...options.from };
  let last = start;
  for await (const entry of entries) {
    const problem = checkLink(last, entry);
    if (problem) return { ok: false, seq: last.seq + 1, problem };
    last = { seq: entry.seq, hash: entry.hash, at: entry.at };
  }
  const { to } = options;
  if (to && (to.seq !== last.seq || to.hash !== last.hash)) {
    return { ok: false, seq: Math.min(to.seq, last.seq + 1), problem: "head_mismatch" };
  }
  return { ok: true, entries: last.seq - start.seq, checkpoint: last };
}

function checkLink(last: ChainPosition, entry: AuditEntry): ChainProblem | undefined {
  if (entry.seq !== last.seq + 1) return "sequence_gap";
  if (!hashMatches(entry)) return "hash_mismatch";
  if (entry.previous !== last.hash) return "chain_broken";
  return undefined;
}

/** What canonical JSON cannot carry was never hashed. */
function hashMatches(entry: AuditEntry): boolean {
  try {
    return hashEntry(entry) === entry.hash;
  } catch {
    return false;
  }
}
