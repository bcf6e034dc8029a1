import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { genesisHash, hashEntry, withAudit, record } from "#audit/index.ts";
import type { AuditEntry } from "#contract/audit.ts";
import { systemClock } from "#kernel/clock.ts";
import { migrate, openDatabase } from "#persistence/index.ts";
import { sendJson, startDouble } from "../client/http-double.ts";
import { run } from "./terminal-double.ts";

function chain(length: number): AuditEntry[] {
  let previous: string = genesisHash;
  return Array.from({ length }, (_, index) => {
    const entry = {
      seq: index + 1,
      at: "2026-11-23T10:00:00.000Z",
      actor: { kind: "system" as const, id: "test" },
      action: "job.submitted",
      subject: { kind: "job", id: `job_${index}` },
      outcome: "success" as const,
      detail: {},
      previous,
    };
    const hash = hashEntry(entry);
    previous = hash;
    return { ...entry, hash };
  });
}

const ENTRIES = chain(12);
const LAST = ENTRIES.at(-1)!;
const directory = await mkdtemp(join(tmpdir(), "sluice-audit-"));
t.teardown(() => rm(directory, { recursive: true, force: true }));

async function verifyFile(name: string, entries: readonly AuditEntry[], args: string[] = []) {
  await writeFile(join(directory, name), entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
  return await run(["audit", "verify", name, ...args], { directory });
}

t.test("an unbroken export verifies and names its checkpoint", async (t) => {
  const { status, stdout } = await verifyFile("good", ENTRIES);
  t.equal(status, 0);
  t.match(stdout, `12 entries, unbroken up to ${LAST.at}\ncheckpoint 12:${LAST.hash}\n`);
  const json = await run(["audit", "verify", "good", "--json"], { directory });
  t.match(JSON.parse(json.stdout), { ok: true, entries: 12, checkpoint: { seq: 12, hash: LAST.hash } });
});

t.test("every tampered copy is found, with the entry", async (t) => {
  const changed = ENTRIES.with(4, { ...ENTRIES[4]!, outcome: "denied" });
  const swapped = ENTRIES.with(4, ENTRIES[5]!).with(5, ENTRIES[4]!);
  const rehashed = ENTRIES.with(4, { ...changed[4]!, hash: hashEntry(changed[4]!) });
  for (const [name, entries, seq] of [
    ["changed", changed, 5],
    ["removed", ENTRIES.toSpliced(4, 1), 5],
    ["swapped", swapped, 5],
    ["changed and hashed anew", rehashed, 6],
  ] as const) {
    const { status, stdout, stderr } = await verifyFile("bad", entries);
    t.equal(status, 1, name);
    t.equal(stdout, "", name);
    t.match(stderr, new RegExp(`^sluice: audit_broken: bad: entry ${seq}: .+\\n$`), name);
  }
  const json = await verifyFile("bad", swapped, ["--json"]);
  t.match(JSON.parse(json.stdout), { ok: false, seq: 5 });
});

t.test("an export that was cut off is found with a checkpoint that was kept", async (t) => {
  t.equal((await verifyFile("cut", ENTRIES.slice(0, -1))).status, 0, "nothing says that there was more");
  const { status, stderr } = await verifyFile("cut", ENTRIES.slice(0, -1), ["--checkpoint", `12:${LAST.hash}`]);
  t.equal(status, 1);
  t.match(stderr, /the log does not end where it should/);
  t.match(await run(["audit", "verify", "nothing"], { directory }), {
    status: 1,
    stderr: /^sluice: file_unreadable: /,
  });
});

t.test("a server's log is walked through its pages up to its checkpoint", async (t) => {
  const later = { ...LAST, seq: 13 };
  const { url, seen } = await startDouble(t, [
    sendJson(200, { seq: 12, hash: LAST.hash, at: LAST.at }),
    sendJson(200, { items: ENTRIES.slice(0, 5), next: 5 }),
    sendJson(200, { items: [...ENTRIES.slice(5), later] }),
  ]);
  const { status, stdout } = await run(["audit", "verify"], { env: { SLUICE_URL: url, SLUICE_TOKEN: "a.b.c" } });
  t.equal(status, 0);
  t.match(stdout, "12 entries, unbroken");
  t.equal(seen[2]?.path, "/v1/audit/entries?limit=1000&after=5");
});

t.test("a server that drops its newest entries, or rewrote what was kept, is caught", async (t) => {
  const env = async (answers: Parameters<typeof startDouble>[1]) => ({
    env: { SLUICE_URL: (await startDouble(t, answers)).url, SLUICE_TOKEN: "a.b.c" },
  });
  const whole = sendJson(200, { seq: 12, hash: LAST.hash, at: LAST.at });
  const dropped = await env([whole, sendJson(200, { items: ENTRIES.slice(0, 11) })]);
  t.match(await run(["audit", "verify"], dropped), { status: 1, stderr: /audit_broken/ });
  const rewritten = await env([whole, sendJson(200, { items: ENTRIES })]);
  const kept = ["audit", "verify", "--checkpoint", `3:${ENTRIES[3]!.hash}`];
  t.match(await run(kept, rewritten), { status: 1, stderr: /entry 3: .*does not end where it should/ });
});

t.test("an export of a server is what verify reads", async (t) => {
  const { url } = await startDouble(t, [sendJson(200, { items: ENTRIES })]);
  const options = { directory, env: { SLUICE_URL: url, SLUICE_TOKEN: "a.b.c" } };
  t.match(await run(["audit", "export", "-o", "export.ndjson"], options), { status: 0, stdout: /12 entries/ });
  t.equal((await readFile(join(directory, "export.ndjson"), "utf8")).trimEnd().split("\n").length, 12);
  t.equal((await run(["audit", "verify", "export.ndjson"], options)).status, 0);
  t.equal((await run(["audit", "export"], options)).stdout, await readFile(join(directory, "export.ndjson"), "utf8"));
});

t.test("an embedded data directory is verified without a server", async (t) => {
  t.match(await run(["audit", "verify", "--data", "none"], { directory }), {
    status: 1,
    stderr: /no embedded database/,
  });
  {
    await using handle = await openDatabase({ kind: "embedded", directory: join(directory, "state", "database") });
    await migrate(handle);
    const by = { actor: { kind: "system" as const, id: "test" }, clock: systemClock };
    for (const id of ["a", "b", "c"]) {
      await withAudit(handle.db, by, async (context) =>
        record(context, { action: "test.done", subject: { kind: "test", id }, detail: {} }),
      );
    }
  }
  t.match(await run(["audit", "verify", "--data", "state"], { directory }), {
    status: 0,
    stdout: /3 entries, unbroken/,
  });
});
