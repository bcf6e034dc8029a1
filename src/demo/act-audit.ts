import { writeFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { verifyNdjson, type ChainVerdict } from "#audit/index.ts";
import type { AuditCheckpoint, AuditEntry } from "#contract/audit.ts";
import { expect, type Scene } from "./scene.ts";

/** Exports the log and checks its chain here, without the server. @returns the entries */
export async function verifyAudit({ auditor, print }: Scene, file: string): Promise<AuditEntry[]> {
  const checkpoint = await auditor.audit.checkpoint();
  const entries: AuditEntry[] = [];
  for await (const entry of auditor.audit.entries()) if (entry.seq <= checkpoint.seq) entries.push(entry);
  await writeFile(file, linesOf(entries).join(""));
  const verdict = await verify(entries, checkpoint);
  expect(verdict.ok, "the audit log does not verify");
  const actions = new Set(entries.map(({ action }) => action));
  for (const action of ["job.submitted", "egress.released", "egress.reviewed", "egress.viewed"]) {
    expect(actions.has(action), `the log has no ${action}`);
  }
  print(`  → ${verdict.entries} entries, unbroken; checkpoint ${verdict.checkpoint.seq}:${verdict.checkpoint.hash}`);
  return entries;
}

/** Four tampered copies of the log; each is found, and where. */
export async function detectTampering({ print }: Scene, entries: readonly AuditEntry[]): Promise<void> {
  const last = entries.at(-1);
  expect(last !== undefined && entries.length > 20, "the log is too short");
  const at = entries.findIndex(({ action }) => action === "egress.reviewed");
  for (const { name, copy } of tamperedCopies(entries, at)) {
    const verdict = await verify(copy, last);
    expect(!verdict.ok, `${name}: not noticed`);
    print(`  → ${name.padEnd(24)} found: entry ${verdict.seq}, ${verdict.problem}`);
  }
}

function tamperedCopies(entries: readonly AuditEntry[], at: number): { name: string; copy: AuditEntry[] }[] {
  const changed = entries.map((entry, index) =>
    index === at ? { ...entry, actor: { ...entry.actor, id: "somebody-else" } } : entry,
  );
  const swapped = [...entries];
  [swapped[at], swapped[at + 1]] = [entries[at + 1]!, entries[at]!];
  return [
    { name: "one entry changed", copy: changed },
    { name: "one entry removed", copy: entries.toSpliced(at, 1) },
    { name: "two entries swapped", copy: swapped },
    { name: "the last entry cut off", copy: entries.slice(0, -1) },
  ];
}

async function verify(
  entries: readonly AuditEntry[],
  to: Pick<AuditCheckpoint, "seq" | "hash">,
): Promise<ChainVerdict> {
  return await verifyNdjson(Readable.from(linesOf(entries)), { to: { seq: to.seq, hash: to.hash } });
}

function linesOf(entries: readonly AuditEntry[]): string[] {
  return entries.map((entry) => `${JSON.stringify(entry)}\n`);
}
