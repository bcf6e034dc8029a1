import { Readable } from "node:stream";
import fc from "fast-check";
import tap from "tap";
import type { AuditEntry } from "#contract/audit.ts";
import { type ChainProblem, genesisHash, hashEntry, verifyChain, verifyNdjson } from "#audit/index.ts";
import { at, createChain, rehash } from "./chains.ts";

const LENGTH = 9;
const chain = createChain(LENGTH);
const head = { seq: LENGTH, hash: at(chain, -1).hash };

await tap.test("an untouched chain verifies and tells where it ends", async (t) => {
  t.strictSame(await verifyChain(chain, { to: head }), {
    ok: true,
    entries: LENGTH,
    checkpoint: { ...head, at: at(chain, -1).at },
  });
  const empty = await verifyChain([]);
  t.match(empty, { ok: true, entries: 0, checkpoint: { seq: 0, hash: genesisHash } });
});

await tap.test("the first entry follows the digest of the text sluice-audit/1", async (t) => {
  t.equal(genesisHash, "sha256:758b52df19f37d0f0cb5762edad8abf4d95cbc9f0a210d85e4739c86328caec5");
});

const edits: [what: string, edit: (entries: AuditEntry[]) => AuditEntry[], seq: number, problem: ChainProblem][] = [
  ["a changed actor", (all) => edit(all, 4, { actor: { kind: "person", id: "eve" } }), 5, "hash_mismatch"],
  ["a changed time", (all) => edit(all, 4, { at: "2026-01-01T00:00:00.000Z" }), 5, "hash_mismatch"],
  ["a changed action", (all) => edit(all, 0, { action: "job.cancelled" }), 1, "hash_mismatch"],
  ["a changed subject", (all) => edit(all, 8, { subject: { kind: "job", id: "x" } }), 9, "hash_mismatch"],
  ["a changed outcome", (all) => edit(all, 4, { outcome: "denied" }), 5, "hash_mismatch"],
  ["a changed detail", (all) => edit(all, 4, { detail: { number: 6 } }), 5, "hash_mismatch"],
  ["an added request id", (all) => edit(all, 4, { requestId: "req_1" }), 5, "hash_mismatch"],
  ["an added member", (all) => edit(all, 4, { extra: 1 } as Partial<AuditEntry>), 5, "hash_mismatch"],
  ["a removed detail", (all) => edit(all, 4, { detail: {} }), 5, "hash_mismatch"],
  ["a changed hash", (all) => edit(all, 4, { hash: genesisHash }), 5, "hash_mismatch"],
  ["a changed previous", (all) => edit(all, 4, { previous: genesisHash }), 5, "hash_mismatch"],
  ["an entry hashed anew", (all) => forgeOne(all, 4, { outcome: "denied" }), 6, "chain_broken"],
  ["the last entry hashed anew", (all) => forgeOne(all, 8, { outcome: "denied" }), 9, "head_mismatch"],
  ["a whole chain made anew", (all) => rehash(edit(all, 4, { outcome: "denied" }), 4), 9, "head_mismatch"],
  ["an entry removed in the middle", (all) => all.toSpliced(4, 1), 5, "sequence_gap"],
  ["the first entry removed", (all) => all.slice(1), 1, "sequence_gap"],
  ["the last entry removed", (all) => all.slice(0, -1), 9, "head_mismatch"],
  ["everything removed", () => [], 1, "head_mismatch"],
  ["an entry twice", (all) => all.toSpliced(4, 0, at(all, 4)), 6, "sequence_gap"],
  ["two entries exchanged", (all) => all.with(3, at(all, 4)).with(4, at(all, 3)), 4, "sequence_gap"],
  ["two contents exchanged", (all) => exchangeContents(all, 3, 4), 4, "hash_mismatch"],
  ["removed and numbered anew", (all) => renumber(all.toSpliced(4, 1)), 9, "head_mismatch"],
  ["an entry put in", (all) => [...all, ...createChain(1, head)], 9, "head_mismatch"],
  ["reversed", (all) => all.toReversed(), 1, "sequence_gap"],
];

function edit(entries: readonly AuditEntry[], index: number, changes: Partial<AuditEntry>): AuditEntry[] {
  return entries.with(index, { ...at(entries, index), ...changes });
}

function forgeOne(entries: readonly AuditEntry[], index: number, changes: Partial<AuditEntry>): AuditEntry[] {
  const forged = { ...at(entries, index), ...changes };
  return entries.with(index, { ...forged, hash: hashEntry(forged) });
}

function exchangeContents(entries: readonly AuditEntry[], a: number, b: number): AuditEntry[] {
  const { detail, subject } = at(entries, a);
  const other = at(entries, b);
  return edit(edit(entries, a, { detail: other.detail, subject: other.subject }), b, { detail, subject });
}

function renumber(entries: readonly AuditEntry[]): AuditEntry[] {
  return rehash(
    entries.map((entry, index) => ({ ...entry, seq: index + 1 })),
    0,
  );
}

await tap.test("every change to the log is found, at its number", async (t) => {
  for (const [what, change, seq, problem] of edits) {
    t.strictSame(await verifyChain(change([...chain]), { to: head }), { ok: false, seq, problem }, what);
  }
});

await tap.test("a part of the log verifies from a checkpoint on", async (t) => {
  const kept = { seq: 4, hash: at(chain, 3).hash };
  t.match(await verifyChain(chain.slice(4), { from: kept, to: head }), { ok: true, entries: LENGTH - 4 });
  const forged = { ...kept, hash: at(chain, 2).hash };
  t.match(await verifyChain(chain.slice(4), { from: forged, to: head }), {
    ok: false,
    seq: 5,
    problem: "chain_broken",
  });
  t.match(await verifyChain(chain.slice(5), { from: kept, to: head }), { ok: false, seq: 5, problem: "sequence_gap" });
});

await tap.test("any single changed character of an export is found", async (t) => {
  const text = `${chain.map((entry) => JSON.stringify(entry)).join("\n")}\n`;
  t.match(await verifyText(text), { ok: true, entries: LENGTH });
  const changes = fc.tuple(fc.nat({ max: text.length - 2 }), fc.constantFrom("0", "a", '"', "x", "}", "1", ",", ":"));
  await fc.assert(
    fc.asyncProperty(changes, async ([offset, character]) => {
      fc.pre(text[offset] !== character);
      const verdict = await verifyText(text.slice(0, offset) + character + text.slice(offset + 1));
      return !verdict.ok;
    }),
    { numRuns: 300 },
  );
});

async function verifyText(text: string) {
  return await verifyNdjson(Readable.from([text]), { to: head });
}

const lines: [what: string, text: string][] = [
  ["no JSON", "{"],
  ["an empty line", ""],
  ["a list", "[]"],
  ["null", "null"],
  ["a missing member", JSON.stringify({ ...at(chain, 0), actor: undefined })],
  ["a number as text", JSON.stringify({ ...at(chain, 0), seq: "1" })],
];

await tap.test("a line that is no entry is named, not thrown", async (t) => {
  for (const [what, line] of lines) {
    const text = [line, ...chain.slice(1).map((entry) => JSON.stringify(entry))].join("\n");
    t.strictSame(await verifyText(text), { ok: false, seq: 1, problem: "entry_invalid" }, what);
  }
  t.match(await verifyText(""), { ok: false, seq: 1, problem: "head_mismatch" });
});

await tap.test("an export that cannot be read is an error, not a verdict", async (t) => {
  const broken = new Readable({ read() {} });
  const verdict = verifyNdjson(broken);
  broken.destroy(new Error("disk"));
  await t.rejects(verdict, { message: "disk" });
});
