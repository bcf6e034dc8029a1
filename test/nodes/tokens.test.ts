import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { base64url, exportJWK, generateKeyPair, SignJWT } from "jose";
import t, { type Test } from "tap";
import type { NodePublicKey } from "#contract/node.ts";
import { createRunnerAuthenticator } from "#identity/index.ts";
import { openNodeKey } from "../../src/runner/node-key.ts";

const REQUEST = { method: "POST", path: "/runner/v1/leases" };
const AUDIENCE = "a".repeat(32);

function temporary(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), "sluice-key-"));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function stage(t: Test) {
  const key = await openNodeKey(temporary(t));
  let enrolled = true;
  const clock = { nowMs: () => Date.now() };
  const authenticator = createRunnerAuthenticator({
    audience: AUDIENCE,
    findKey: async (name) => (enrolled && name === "n1" ? key : undefined),
    clock,
  });
  const sign = async (over: Partial<{ name: string; audience: string; method: string; path: string }> = {}) =>
    key.signRequest({ name: "n1", audience: AUDIENCE, ...REQUEST, ...over });
  const revoke = () => {
    enrolled = false;
  };
  return { key, authenticator, sign, clock, revoke };
}

t.test("a token is good for its own request, once", async (t) => {
  const { authenticator, sign } = await stage(t);
  const token = await sign();
  t.equal(await authenticator.authenticate(token, REQUEST), "n1");
  await t.rejects(authenticator.authenticate(token, REQUEST), { code: "unauthenticated" });
});

t.test("a token of another request, deployment, node or time is refused", async (t) => {
  const { authenticator, sign, clock, revoke } = await stage(t);
  const bad = {
    method: await sign({ method: "GET" }),
    path: await sign({ path: "/runner/v1/leases/lse_1/report" }),
    audience: await sign({ audience: "b".repeat(32) }),
    name: await sign({ name: "n2" }),
    nonsense: "a.b.c",
    empty: "",
    long: "x".repeat(5000),
  };
  for (const [what, token] of Object.entries(bad)) {
    await t.rejects(authenticator.authenticate(token, REQUEST), { code: "unauthenticated" }, what);
  }
  const late = await sign();
  const now = Date.now();
  for (const minutes of [2, -2]) {
    clock.nowMs = () => now + minutes * 60_000;
    await t.rejects(authenticator.authenticate(late, REQUEST), { code: "unauthenticated" }, `${minutes} minutes`);
  }
  clock.nowMs = () => Date.now();
  revoke();
  await t.rejects(authenticator.authenticate(await sign(), REQUEST), { code: "unauthenticated" }, "revoked");
});

t.test("a signature of another key or algorithm, or another kind of token, is refused", async (t) => {
  const { authenticator, key } = await stage(t);
  const other = await generateKeyPair("EdDSA", { crv: "Ed25519" });
  const claims = { htm: REQUEST.method, htu: REQUEST.path, jti: "0123456789abcdef" };
  const jwt = (typ: string, alg: string, life = "30s") =>
    new SignJWT(claims)
      .setProtectedHeader({ alg, typ, kid: key.thumbprint })
      .setIssuer("n1")
      .setAudience(AUDIENCE)
      .setIssuedAt()
      .setExpirationTime(life);
  const none = `${base64url.encode(JSON.stringify({ alg: "none", typ: "sluice-runner+jwt" }))}.${base64url.encode(
    JSON.stringify({ iss: "n1", aud: AUDIENCE, ...claims }),
  )}.`;
  const tokens = {
    otherKey: await jwt("sluice-runner+jwt", "EdDSA").sign(other.privateKey),
    symmetric: await jwt("sluice-runner+jwt", "HS256").sign(base64url.decode(key.publicKey.x)),
    none,
  };
  for (const [what, token] of Object.entries(tokens)) {
    await t.rejects(authenticator.authenticate(token, REQUEST), { code: "unauthenticated" }, what);
  }
});

t.test("a proof is for one enrolment token and one key, and no request token passes for it", async (t) => {
  const { authenticator, key, sign } = await stage(t);
  const proof = await key.proveFor("enr_1");
  t.equal(await authenticator.proveKey(key.publicKey, proof, "enr_1"), key.thumbprint);
  await t.rejects(authenticator.proveKey(key.publicKey, proof, "enr_2"), { code: "unauthenticated" });
  const other = await exportJWK((await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true })).publicKey);
  await t.rejects(authenticator.proveKey(other as NodePublicKey, proof, "enr_1"), { code: "unauthenticated" });
  await t.rejects(authenticator.proveKey(key.publicKey, await sign(), "enr_1"), { code: "unauthenticated" });
  await t.rejects(authenticator.authenticate(proof, REQUEST), { code: "unauthenticated" });
});

t.test("a node's key is made once, mode 0600, and refused when others can read it", async (t) => {
  const directory = temporary(t);
  const [one, two] = await Promise.all([openNodeKey(directory), openNodeKey(directory)]);
  t.equal(one.thumbprint, two.thumbprint);
  const path = join(directory, "node-key.json");
  t.equal(statSync(path).mode & 0o777, 0o600);
  const wide = temporary(t);
  writeFileSync(join(wide, "node-key.json"), JSON.stringify(one.publicKey), { mode: 0o644 });
  await t.rejects(openNodeKey(wide), { code: "configuration_invalid" });
});
