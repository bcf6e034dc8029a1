import type { AuditEntry } from "#contract/audit.ts";
import { genesisHash, hashEntry } from "#audit/index.ts";

/** A chain that verifies, made without a database. */
export function createChain(length: number, from = { seq: 0, hash: genesisHash as string }): AuditEntry[] {
  const entries: AuditEntry[] = [];
  let { seq, hash: previous } = from;
  for (let n = 0; n < length; n++) {
    const content: Omit<AuditEntry, "hash"> = {
      seq: (seq += 1),
      at: new Date(1_790_000_000_000 + seq * 1000).toISOString(),
      actor: { kind: "person", id: `person-${seq % 3}`, organisation: "acme", roles: ["developer"] },
      action: "job.submitted",
      subject: { kind: "job", id: `job_${seq}` },
      outcome: "success",
      detail: { number: seq },
      previous,
    };
    const entry = { ...content, hash: hashEntry(content) };
    entries.push(entry);
    previous = entry.hash;
  }
  return entries;
}

/** A forger's best effort: every hash from `index` on made anew. */
export function rehash(entries: readonly AuditEntry[], index: number): AuditEntry[] {
  const forged = structuredClone([...entries]);
  for (let n = index; n < forged.length; n++) {
    const entry = forged[n];
    if (!entry) continue;
    entry.previous = forged[n - 1]?.hash ?? genesisHash;
    entry.hash = hashEntry(entry);
  }
  return forged;
}

export function at<T>(list: readonly T[], index: number): T {
  const item = list.at(index);
  if (item === undefined) throw new Error(`there is no item ${index}`);
  return item;
}
