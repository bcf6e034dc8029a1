import tap from "tap";
import {
  beginIdempotent,
  type Database,
  finishIdempotent,
  type IdempotencyStart,
  type IdempotentRequest,
  inTransaction,
  purgeIdempotencyKeys,
} from "#persistence/index.ts";
import { IDEMPOTENCY_RETENTION_MS } from "../../src/persistence/idempotency.ts";
import { withDatabases } from "./databases.ts";

const NOW_MS = Date.parse("2026-06-01T00:00:00Z");
const request: IdempotentRequest = {
  organisation: "acme",
  subject: "mallory",
  key: "k-1",
  requestDigest: "sha256:a",
  nowMs: NOW_MS,
};
const answer = { status: 202, body: { id: "job_1", list: [1, "二"] }, location: "/v1/jobs/job_1" };

async function submit(db: Database, changes: Partial<IdempotentRequest> = {}): Promise<IdempotencyStart> {
  const claimed = { ...request, ...changes };
  return await inTransaction(db, async (tx) => {
    const start = await beginIdempotent(tx, claimed);
    if (start.state === "new") await finishIdempotent(tx, claimed, answer);
    return start;
  });
}

await withDatabases(tap, "the same request again gets the same answer", async (t, { handle: { db } }) => {
  t.strictSame(await submit(db), { state: "new" });
  t.strictSame(await submit(db), { state: "replay", ...answer });
});

await withDatabases(tap, "an answer without body and location is replayed so", async (t, { handle: { db } }) => {
  await inTransaction(db, async (tx) => {
    await beginIdempotent(tx, request);
    await finishIdempotent(tx, request, { status: 204, body: undefined });
  });
  t.strictSame(await submit(db), { state: "replay", status: 204, body: undefined });
});

await withDatabases(tap, "a key means nothing to another organisation or person", async (t, { handle: { db } }) => {
  await submit(db);
  for (const other of [{ organisation: "other" }, { subject: "bob" }, { key: "k-2" }]) {
    t.strictSame(await submit(db, other), { state: "new" });
  }
});

await withDatabases(tap, "another request under the same key is a conflict", async (t, { handle: { db } }) => {
  await submit(db);
  await t.rejects(submit(db, { requestDigest: "sha256:b" }), { code: "idempotency_conflict" });
});

await withDatabases(tap, "a request that failed leaves no key", async (t, { handle: { db } }) => {
  const failing = inTransaction(db, async (tx) => {
    await beginIdempotent(tx, request);
    throw new Error("stop");
  });
  await t.rejects(failing, { message: "stop" });
  t.strictSame(await submit(db), { state: "new" });
});

await withDatabases(
  tap,
  "a key without an answer is in progress, and finishing twice is a bug",
  async (t, { handle: { db } }) => {
    await inTransaction(db, async (tx) => await beginIdempotent(tx, request));
    await t.rejects(submit(db), { code: "idempotency_in_progress" });
    await inTransaction(db, async (tx) => await finishIdempotent(tx, request, answer));
    await t.rejects(
      inTransaction(db, async (tx) => await finishIdempotent(tx, request, answer)),
      { message: /claimed/ },
    );
  },
);

await withDatabases(tap, "of ten equal requests at once, one is new", async (t, { handle: { db } }) => {
  const starts = await Promise.all(Array.from({ length: 10 }, async () => await submit(db)));
  t.equal(starts.filter(({ state }) => state === "new").length, 1);
  t.equal(starts.filter(({ state }) => state === "replay").length, 9);
});

await withDatabases(tap, "a key is forgotten after 24 hours", async (t, { handle: { db } }) => {
  await submit(db);
  const before = await submit(db, { nowMs: NOW_MS + IDEMPOTENCY_RETENTION_MS, requestDigest: "sha256:a" });
  t.equal(before.state, "replay");
  const after = await submit(db, { nowMs: NOW_MS + IDEMPOTENCY_RETENTION_MS + 1, requestDigest: "sha256:b" });
  t.equal(after.state, "new");
});

await withDatabases(tap, "purging removes what is past the retention only", async (t, { handle: { db } }) => {
  await submit(db, { key: "old", nowMs: NOW_MS - IDEMPOTENCY_RETENTION_MS - 1 });
  await submit(db, { key: "new" });
  t.equal(await inTransaction(db, async (tx) => await purgeIdempotencyKeys(tx, NOW_MS)), 1);
  t.equal((await submit(db, { key: "new" })).state, "replay");
});
