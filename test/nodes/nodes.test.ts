import t from "tap";
import { withAudit } from "#audit/index.ts";
import {
  enrolNode,
  findNodeKey,
  getLeasedFile,
  inviteNode,
  listNodes,
  requireOwnLease,
  revokeNode,
} from "#nodes/index.ts";
import type { Database } from "#persistence/index.ts";
import { clock, stageLive } from "../authority/stage.ts";
import { claim, submit } from "../jobs/staged-jobs.ts";
import { withDatabases } from "../persistence/databases.ts";

const operator = {
  actor: { kind: "person" as const, id: "li", organisation: "wz-operator", roles: ["operator"] },
  clock,
};
const publicKey = { kty: "OKP" as const, crv: "Ed25519" as const, x: "A".repeat(43) };

const invite = async (db: Database, name: string) =>
  withAudit(db, operator, async (context) => inviteNode(context, name));
const enrol = async (db: Database, name: string, token: string, thumbprint = `key-${name}`) =>
  withAudit(db, operator, async (context) => enrolNode(context, { name, token, publicKey, thumbprint }));
const revoke = async (db: Database, name: string) =>
  withAudit(db, operator, async (context) => revokeNode(context, { name, reason: "sold" }));

await withDatabases(
  t,
  "a node is invited, enrols once with its key, and can be revoked",
  async (t, { handle: { db } }) => {
    const { token } = await invite(db, "n1");
    t.equal(await findNodeKey(db, "n1"), undefined);
    await t.rejects(enrol(db, "n2", token), { code: "unauthenticated" }, "of another node");
    await t.rejects(enrol(db, "n1", `${token}x`), { code: "unauthenticated" });
    t.equal(await enrol(db, "n1", token), true);
    t.equal(await enrol(db, "n1", token), false, "the answer may have been lost");
    await t.rejects(enrol(db, "n1", token, "another key"), { code: "unauthenticated" }, "used up");
    t.strictSame(await findNodeKey(db, "n1"), { publicKey, thumbprint: "key-n1" });
    await t.rejects(invite(db, "n1"), { code: "conflict" });
    await revoke(db, "n1");
    t.equal(await findNodeKey(db, "n1"), undefined);
    await t.rejects(enrol(db, "n1", token), { code: "unauthenticated" }, "of before");
    await t.rejects(revoke(db, "n1"), { code: "invalid_transition" });
    await t.rejects(revoke(db, "n9"), { code: "not_found" });
    const again = await invite(db, "n1");
    t.equal(await enrol(db, "n1", again.token, "new key"), true);
    t.match(await listNodes(db), [{ name: "n1", state: "enrolled", keyThumbprint: "new key", invitedBy: "li" }]);
    const actions = await db.selectFrom("audit_entries").select("action").orderBy("seq").execute();
    t.strictSame(
      actions.map(({ action }) => action).filter((action) => action.startsWith("runner.")),
      ["runner.invited", "runner.enrolled", "runner.revoked", "runner.invited", "runner.enrolled"],
    );
  },
);

await withDatabases(
  t,
  "an invitation ends after an hour and is replaced by the next",
  async (t, { handle: { db } }) => {
    const first = await invite(db, "n1");
    const second = await invite(db, "n1");
    await t.rejects(enrol(db, "n1", first.token), { code: "unauthenticated" });
    const later = { ...operator, clock: { nowMs: () => clock.nowMs() + 3_600_001 } };
    const enrolment = { name: "n1", token: second.token, publicKey, thumbprint: "k" };
    await t.rejects(
      withAudit(db, later, async (context) => enrolNode(context, enrolment)),
      { code: "unauthenticated" },
    );
    const kept = await db.selectFrom("runner_nodes").selectAll().execute();
    t.notOk(JSON.stringify(kept).includes(second.token), "only a digest of the token is kept");
    await t.rejects(invite(db, "local"), { code: "invalid_request" });
  },
);

await withDatabases(t, "one key is one node's", async (t, { handle: { db } }) => {
  const [a, b] = [await invite(db, "a"), await invite(db, "b")];
  await enrol(db, "a", a.token, "same");
  await t.rejects(enrol(db, "b", b.token, "same"), { code: "conflict" });
});

await withDatabases(
  t,
  "leases of a revoked node are lost at once, those of others are not",
  async (t, { handle: { db } }) => {
    await stageLive(db);
    const { token } = await invite(db, "run_test");
    await enrol(db, "run_test", token);
    await submit(db);
    const [job] = await claim(db);
    const lease = job!.lease!;
    await requireOwnLease(db, "run_test", lease);
    await t.rejects(requireOwnLease(db, "n2", lease), { code: "not_found" });
    const lost = await revoke(db, "run_test");
    t.strictSame(lost.requeued, [job!.id]);
    t.match(await db.selectFrom("jobs").select(["state", "lease", "runner"]).executeTakeFirst(), {
      state: "queued",
      lease: null,
      runner: null,
    });
    await requireOwnLease(db, "n2", lease); // nobody's: whatever is asked of it changes nothing
  },
);

await withDatabases(t, "a node that waited for work gets none once it is revoked", async (t, { handle: { db } }) => {
  await stageLive(db);
  const { token } = await invite(db, "run_test");
  t.strictSame(await claim(db), [], "nothing waits");
  await submit(db);
  t.strictSame(await claim(db), [], "invited only");
  await enrol(db, "run_test", token);
  t.equal((await claim(db)).length, 1);
  await revoke(db, "run_test");
  t.strictSame(await claim(db), [], "its own job, given back, is not given to it again");
  t.match(await db.selectFrom("jobs").select(["state", "attempts"]).executeTakeFirst(), {
    state: "queued",
    attempts: 1,
  });
  const again = await invite(db, "run_test");
  await enrol(db, "run_test", again.token, "new key");
  t.equal((await claim(db)).length, 1);
});

await withDatabases(
  t,
  "a lease covers the files of its job's products and nothing else",
  async (t, { handle: { db } }) => {
    await stageLive(db);
    const manifest = (await db.selectFrom("product_versions").select("manifest").executeTakeFirst())?.manifest;
    const file = manifest!.files.find(({ zone }) => zone === undefined)!;
    await submit(db);
    const [job] = await claim(db);
    const lease = job!.lease!;
    t.match(await getLeasedFile(db, lease, file.digest), { file: { path: file.path } });
    const hidden = manifest!.files.find(({ zone }) => zone === "governance");
    for (const digest of [`sha256:${"0".repeat(64)}`, ...(hidden ? [hidden.digest] : [])]) {
      await t.rejects(getLeasedFile(db, lease, digest), { code: "not_found" });
    }
    await t.rejects(getLeasedFile(db, `lse_${"0".repeat(26)}`, file.digest), { code: "not_found" });
    await db.updateTable("jobs").set({ state: "queued" }).execute();
    await t.rejects(getLeasedFile(db, lease, file.digest), { code: "not_found" }, "lost");
  },
);
