import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { readConfig } from "#config/index.ts";
import { buildNodeApp } from "#control-plane/index.ts";
import { createRunnerAuthenticator } from "#identity/index.ts";
import { systemClock } from "#kernel/clock.ts";
import { findNodeKey } from "#nodes/index.ts";
import { createControlPlaneClient, createPool, enrolOnce, openCredential } from "#runner/index.ts";
import { serve } from "../security/served.ts";
import { makeCertificate, skipOpenssl } from "./certificate.ts";

const AUDIENCE = "c".repeat(32);
const skip = skipOpenssl();

async function stage(t: Test) {
  const { deployment, client, db } = await serve(t);
  const directory = mkdtempSync(join(tmpdir(), "sluice-tls-"));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const tls = makeCertificate(directory);
  const nodes = { listen: { host: "127.0.0.1", port: 0 }, publicUrl: undefined, tls };
  const { jobLimits } = readConfig({}, { development: true });
  const config = { ...deployment.config, nodes, jobLimits };
  const authenticator = createRunnerAuthenticator({
    audience: AUDIENCE,
    findKey: async (name) => findNodeKey(db, name),
  });
  // tokens are of now, whatever day the staged deployment lives in
  const app = await buildNodeApp(
    { ...deployment, config, clock: systemClock },
    {
      authenticator,
      audience: AUDIENCE,
    },
  );
  const origin = await app.listen(nodes.listen);
  t.teardown(async () => app.close());
  return { client, origin, directory, ca: readFileSync(tls.certificate, "utf8"), db };
}

t.test("a node enrols and asks for work over TLS, and believes no other certificate", { skip }, async (t) => {
  const { client, origin, directory, ca, db } = await stage(t);
  t.match(origin, /^https:/);
  const operator = client("operator");
  const { token } = await operator.runnerNodes.invite("n1");
  await db
    .updateTable("runner_nodes")
    .set({ enrolment_expires_at: new Date(Date.now() + 60_000) })
    .execute();
  const home = join(directory, "home");
  const enrol = async (trust: { ca?: string }, again?: string) => {
    const dispatcher = createPool({ origin, ...trust });
    try {
      return await enrolOnce({ directory: home, controlPlane: origin, dispatcher, name: "n1", token: again });
    } finally {
      await dispatcher.close();
    }
  };
  await t.rejects(enrol({ ca }), { code: "configuration_invalid", message: /not enrolled/ });
  await t.rejects(enrol({}, token), { code: "configuration_invalid", message: /cannot be reached/ });
  await t.rejects(enrol({ ca }, "enr_other"), { code: "configuration_invalid", message: /not valid/ });
  t.match(await enrol({ ca }, token), { name: "n1", audience: AUDIENCE });
  t.match(await enrol({ ca }, token), { name: "n1" }, "the same token and key again: the answer may have been lost");
  t.match(await enrol({ ca }), { name: "n1", audience: AUDIENCE }, "remembered");
  await db
    .updateTable("runner_nodes")
    .set({ enrolment_expires_at: new Date(0) })
    .execute();
  t.match(await enrol({ ca }, token), { name: "n1" }, "a token that was used and stays where it was given");
  await t.rejects(enrol({ ca }, "enr_newer"), { code: "configuration_invalid", message: /not valid/ });
  for (const name of ["node.json", "node-key.json"]) t.equal(statSync(join(home, name)).mode & 0o777, 0o600, name);
  t.notOk(readFileSync(join(home, "node.json"), "utf8").includes(token));

  const authorize = await openCredential({ kind: "node", directory: home, audience: AUDIENCE, name: "n1" });
  await using runner = createControlPlaneClient({ origin, ca, authorize });
  const wish = { runner: "n1", kind: "jobs" as const, places: 1, waitMs: 0 };
  t.strictSame(await runner.lease(wish, AbortSignal.timeout(10_000)), []);
  await t.rejects(runner.lease({ ...wish, runner: "n2" }, AbortSignal.timeout(10_000)), { code: "internal" });
  const rendered = { report: { kind: "render" as const, ok: true }, parts: [Buffer.from("x")] };
  const foreign = runner.report(`lse_${"0".repeat(26)}`, rendered);
  await t.rejects(foreign, { code: "internal", message: /403/ }, "a node renders nothing");
  await client("security").runnerNodes.revoke("n1", "test");
  await t.rejects(runner.lease(wish, AbortSignal.timeout(10_000)), { code: "unauthenticated" });
  await t.rejects(runner.heartbeat(`lse_${"0".repeat(26)}`), { code: "unauthenticated" });
});

t.test("an address that keeps trying to enrol is told to wait", { skip }, async (t) => {
  const { origin, ca } = await stage(t);
  const dispatcher = createPool({ origin, ca });
  t.teardown(async () => dispatcher.close());
  const answers = new Map<number, number>();
  for (let i = 0; i < 35; i++) {
    const { statusCode, body } = await dispatcher.request({ path: "/runner/v1/enrolment", method: "POST" });
    await body.dump();
    answers.set(statusCode, (answers.get(statusCode) ?? 0) + 1);
  }
  t.strictSame(
    [...answers],
    [
      [400, 30],
      [429, 5],
    ],
  );
});

t.test("nodes are invited by operators, and revoked by them and security staff", async (t) => {
  const { client } = await serve(t);
  for (const role of ["developer", "reviewer", "audit", "security"]) {
    await t.rejects(client(role).runnerNodes.invite("n1"), { code: "forbidden" }, role);
  }
  t.match(await client("operator").runnerNodes.invite("n1"), { name: "n1", token: /^enr_[A-Za-z0-9_-]{43}$/ });
  for (const role of ["developer", "reviewer", "audit"]) {
    await t.rejects(client(role).runnerNodes.list(), { code: "forbidden" }, role);
    await t.rejects(client(role).runnerNodes.revoke("n1", "no"), { code: "forbidden" }, role);
  }
  await t.rejects(client("operator").runnerNodes.invite("local@here"), { code: "invalid_request" });
  await t.rejects(client("operator").runnerNodes.revoke("n2", "no"), { code: "not_found" });
  t.match(await client("security").runnerNodes.list(), [{ name: "n1", state: "invited" }]);
});
