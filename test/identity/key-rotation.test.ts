import tap from "tap";
import { createAuthenticator } from "#identity/index.ts";
import { clock, createKey, findOrganisation, NOW, sign, type SigningKey, startJwksServer } from "./tokens.ts";

const ISSUER = "https://id.example.test";
const claims = {
  iss: ISSUER,
  aud: "sluice",
  sub: "alice",
  org: "acme",
  roles: ["developer"],
  iat: NOW,
  exp: NOW + 600,
};
const tokenOf = async ({ privateKey, jwk }: SigningKey) =>
  await sign(privateKey, { alg: "EdDSA", typ: "at+jwt", kid: String(jwk.kid) }, claims);

await tap.test("a new key is fetched when a token names it, and an old one is forgotten", async (t) => {
  const [first, second] = [await createKey("EdDSA", "k1"), await createKey("EdDSA", "k2")];
  const server = await startJwksServer(t, [first.jwk]);
  const oidc = { issuer: ISSUER, audience: "sluice", jwksUrl: server.url, algorithms: ["EdDSA"], cooldownMs: 0 };
  const { authenticate } = createAuthenticator({ oidc, findOrganisation, clock });
  t.match(await authenticate(await tokenOf(first)), { subject: "alice" });
  await t.rejects(authenticate(await tokenOf(second)), { code: "unauthenticated" });
  server.keys = [second.jwk];
  t.match(await authenticate(await tokenOf(second)), { subject: "alice" });
  await t.rejects(authenticate(await tokenOf(first)), { code: "unauthenticated" });
});

await tap.test("the keys are kept: not every token, nor every unknown key id, asks the server", async (t) => {
  const [known, unknown] = [await createKey("EdDSA", "k1"), await createKey("EdDSA", "k2")];
  const server = await startJwksServer(t, [known.jwk]);
  const oidc = { issuer: ISSUER, audience: "sluice", jwksUrl: server.url, algorithms: ["EdDSA"] };
  const { authenticate } = createAuthenticator({ oidc, findOrganisation, clock });
  const [good, bad] = [await tokenOf(known), await tokenOf(unknown)];
  for (let n = 0; n < 20; n++) {
    await authenticate(good);
    await t.rejects(authenticate(bad), { code: "unauthenticated" });
  }
  t.equal(server.requests, 1);
});

await tap.test("a key server that fails or serves nonsense lets nobody in, and is asked again", async (t) => {
  const key = await createKey("EdDSA", "k1");
  const server = await startJwksServer(t, []);
  const oidc = { issuer: ISSUER, audience: "sluice", jwksUrl: server.url, algorithms: ["EdDSA"], cooldownMs: 0 };
  const { authenticate } = createAuthenticator({ oidc, findOrganisation, clock });
  const token = await tokenOf(key);
  server.status = 500;
  await t.rejects(authenticate(token), { code: "unauthenticated" });
  server.status = 302;
  await t.rejects(authenticate(token), { code: "unauthenticated" });
  server.status = 200;
  server.keys = [{ kty: "OKP" }];
  await t.rejects(authenticate(token), { code: "unauthenticated" });
  server.keys = [key.jwk];
  t.match(await authenticate(token), { subject: "alice" });
});

await tap.test("a private or symmetric key in the key set signs nothing", async (t) => {
  const secret = new Uint8Array(32).fill(7);
  const server = await startJwksServer(t, [{ kty: "oct", k: Buffer.from(secret).toString("base64url"), kid: "s" }]);
  const oidc = {
    issuer: ISSUER,
    audience: "sluice",
    jwksUrl: server.url,
    algorithms: ["EdDSA", "RS256"],
    cooldownMs: 0,
  };
  const { authenticate } = createAuthenticator({ oidc, findOrganisation, clock });
  const token = await sign(secret, { alg: "HS256", typ: "at+jwt", kid: "s" }, claims);
  await t.rejects(authenticate(token), { code: "unauthenticated" });
});
