import { createHmac } from "node:crypto";
import tap from "tap";
import { createAuthenticator, createDevelopmentIssuer } from "#identity/index.ts";
import { ERROR_TABLE } from "#kernel/errors.ts";
import { base64url, clock, createKey, findOrganisation, NOW, sign, startJwksServer } from "./tokens.ts";

const ISSUER = "https://id.example.test";
const own = await createKey("EdDSA", "own");
const ec = await createKey("ES256", "ec");
const rsa = await createKey("RS256", "rsa");
const rsaPss = await createKey("PS256", "pss");
const foreign = await createKey("EdDSA", "own");
const development = await createDevelopmentIssuer(tap.testdir(), clock);
const jwks = await startJwksServer(tap, [own.jwk, ec.jwk, rsa.jwk, rsaPss.jwk]);
const authenticator = createAuthenticator({
  development,
  oidc: { issuer: ISSUER, audience: "sluice", jwksUrl: jwks.url, algorithms: ["EdDSA", "ES256", "PS256"] },
  findOrganisation,
  clock,
});

const header = { alg: "EdDSA", typ: "at+jwt", kid: "own" };
const claims = {
  iss: ISSUER,
  aud: "sluice",
  sub: "alice",
  org: "acme",
  roles: ["developer"],
  iat: NOW,
  exp: NOW + 600,
};
const without = (name: keyof typeof claims) => ({ ...claims, [name]: undefined });
const signed = async (changes: object, headers: object = {}) =>
  await sign(own.privateKey, { ...header, ...headers }, { ...claims, ...changes });
const good = await signed({});
const [goodHead = "", goodBody = "", goodSignature = ""] = good.split(".");

await tap.test("a correct token is accepted, with each permitted algorithm", async (t) => {
  const principal = { subject: "alice", organisation: "acme", organisationKind: "developer", roles: ["developer"] };
  t.strictSame(await authenticator.authenticate(good), principal);
  const others = [
    await sign(ec.privateKey, { alg: "ES256", typ: "JWT", kid: "ec" }, claims),
    await sign(rsaPss.privateKey, { alg: "PS256", typ: "AT+JWT", kid: "pss" }, claims),
    await signed({ aud: ["other", "sluice"], roles: ["developer", "developer"], scope: "more" }),
    await signed({ exp: NOW - 5 }),
  ];
  for (const token of others) t.strictSame(await authenticator.authenticate(token), principal);
});

await tap.test("a token of the development issuer is accepted", async (t) => {
  const request = {
    subject: "bob",
    organisation: "wz-operator",
    roles: ["reviewer", "security"],
    lifetimeSeconds: 60,
  } as const;
  const principal = await authenticator.authenticate(await development.issueToken(request));
  t.match(principal, { subject: "bob", organisationKind: "operator", roles: ["reviewer", "security"] });
});

const hmac = (secret: string) => {
  const content = `${base64url({ ...header, alg: "HS256" })}.${base64url(claims)}`;
  return `${content}.${createHmac("sha256", secret).update(content).digest("base64url")}`;
};

const forged: [what: string, token: string | Promise<string>][] = [
  ["no token", ""],
  ["a text", "nonsense"],
  ["two parts", `${goodHead}.${goodBody}`],
  ["four parts", `${good}.x`],
  ["an encrypted token's five parts", `${goodHead}....`],
  ["no signature", `${goodHead}.${goodBody}.`],
  ["another's signature", `${goodHead}.${goodBody}.${goodSignature.slice(0, -4)}AAAA`],
  [
    "a changed payload",
    `${goodHead}.${base64url({ ...claims, org: "wz-operator", roles: ["operator"] })}.${goodSignature}`,
  ],
  ["a changed header", `${base64url({ ...header, kid: "ec" })}.${goodBody}.${goodSignature}`],
  ["alg none", `${base64url({ ...header, alg: "none" })}.${goodBody}.`],
  ["alg None with a signature", `${base64url({ ...header, alg: "None" })}.${goodBody}.${goodSignature}`],
  ["alg missing", `${base64url({ typ: "JWT", kid: "own" })}.${goodBody}.${goodSignature}`],
  ["HS256 with the public key as secret", hmac(JSON.stringify(own.jwk))],
  ["HS256 with x as secret", hmac(String(own.jwk.x))],
  ["an algorithm that is not permitted here", sign(rsa.privateKey, { ...header, alg: "RS256", kid: "rsa" }, claims)],
  ["an algorithm that is not the key's", sign(ec.privateKey, { ...header, alg: "ES256", kid: "own" }, claims)],
  ["another key under the same id", sign(foreign.privateKey, header, claims)],
  ["an unknown key id", signed({}, { kid: "unknown" })],
  ["typ missing", signed({}, { typ: undefined })],
  ["another typ", signed({}, { typ: "id+jwt" })],
  ["typ of another type", signed({}, { typ: 1 })],
  ["an embedded key", sign(foreign.privateKey, { ...header, jwk: foreign.jwk }, claims)],
  ["an embedded key beside a right signature", signed({}, { jwk: own.jwk })],
  ["a key address", signed({}, { jku: jwks.url })],
  ["a certificate", signed({}, { x5c: ["MIIB"] })],
  ["a certificate address", signed({}, { x5u: "https://evil.test" })],
  ["an unknown critical header", `${base64url({ ...header, crit: ["exp"], exp: 1 })}.${goodBody}.${goodSignature}`],
  ["an unencoded payload", `${base64url({ ...header, crit: ["b64"], b64: false })}.${goodBody}.${goodSignature}`],
  ["b64 true", signed({}, { b64: true, crit: ["b64"] })],
  ["an expired token", signed({ iat: NOW - 600, exp: NOW - 11 })],
  ["no exp", signed(without("exp"))],
  ["exp as text", signed({ exp: String(NOW + 600) })],
  ["no iat", signed(without("iat"))],
  ["issued in the future", signed({ iat: NOW + 60 })],
  ["not valid yet", signed({ nbf: NOW + 60 })],
  ["too old", signed({ iat: NOW - 90_000 })],
  ["a life beyond the bound", signed({ exp: NOW + 90_000 })],
  ["exp at the end of time", signed({ exp: Number.MAX_SAFE_INTEGER })],
  ["no issuer", signed(without("iss"))],
  ["an unknown issuer", signed({ iss: "https://evil.test" })],
  ["the development issuer's name with another key", signed({ iss: "urn:sluice:development" })],
  ["an issuer that is no text", signed({ iss: [ISSUER] })],
  ["no audience", signed(without("aud"))],
  ["another audience", signed({ aud: "other" })],
  ["no subject", signed(without("sub"))],
  ["an empty subject", signed({ sub: "" })],
  ["a subject with a line break", signed({ sub: "alice\nbob" })],
  ["a long subject", signed({ sub: "a".repeat(201) })],
  ["a subject that is no text", signed({ sub: 7 })],
  ["no organisation", signed(without("org"))],
  ["an organisation that does not exist", signed({ org: "nobody" })],
  ["an organisation that is no name", signed({ org: "../acme" })],
  ["the prototype as organisation", signed({ org: "constructor" })],
  ["no roles", signed(without("roles"))],
  ["empty roles", signed({ roles: [] })],
  ["a role as text", signed({ roles: "developer" })],
  ["an unknown role", signed({ roles: ["developer", "admin"] })],
  ["a role of another kind of organisation", signed({ roles: ["developer", "operator"] })],
  ["an implementing body that would run jobs", signed({ org: "wz-data-bureau", roles: ["developer"] })],
  ["an operator that would supervise itself", signed({ org: "wz-operator", roles: ["implementing_body"] })],
  ["a payload that is no object", sign(own.privateKey, header, "[]")],
  ["a payload that is no JSON", sign(own.privateKey, header, "{")],
  ["a token beyond the length", signed({ padding: "x".repeat(9000) })],
];

await tap.test("forged, expired and misused tokens are all refused with the same words", async (t) => {
  for (const [what, token] of forged) {
    const error: unknown = await authenticator.authenticate(await token).catch((reason: unknown) => reason);
    t.match(error, { code: "unauthenticated", message: ERROR_TABLE.unauthenticated.title }, what);
    t.equal((error as { details?: unknown }).details, undefined);
    t.type((error as Error).cause, Error, "the reason is kept for the log");
    t.notMatch(JSON.stringify(Object.entries((error as { cause: object }).cause)), "acme", "without the payload");
  }
});

await tap.test("the keys of one source do not count for the other", async (t) => {
  const token = await development.issueToken({
    subject: "a",
    organisation: "acme",
    roles: ["developer"],
    lifetimeSeconds: 60,
  });
  const onlyOidc = createAuthenticator({
    oidc: { issuer: ISSUER, audience: "sluice", jwksUrl: jwks.url, algorithms: ["EdDSA"] },
    findOrganisation,
    clock,
  });
  const onlyDevelopment = createAuthenticator({ development, findOrganisation, clock });
  await t.rejects(onlyOidc.authenticate(token), { code: "unauthenticated" });
  await t.rejects(onlyDevelopment.authenticate(good), { code: "unauthenticated" });
});

await tap.test("a failure of the register of organisations is not the caller's fault", async (t) => {
  const failing = createAuthenticator({
    development,
    findOrganisation: async () => await Promise.reject(new Error("down")),
    clock,
  });
  const request = { subject: "a", organisation: "acme", roles: ["developer"], lifetimeSeconds: 60 } as const;
  await t.rejects(failing.authenticate(await development.issueToken(request)), { message: "down" });
});

await tap.test("an authenticator without a safe source is refused", async (t) => {
  const oidc = { issuer: ISSUER, audience: "sluice", jwksUrl: jwks.url, algorithms: ["EdDSA"] };
  const wrong = [
    {},
    { oidc: { ...oidc, algorithms: [] } },
    { oidc: { ...oidc, algorithms: ["HS256"] } },
    { oidc: { ...oidc, algorithms: ["EdDSA", "none"] } },
    { oidc: { ...oidc, audience: "" } },
    { oidc: { ...oidc, issuer: "" } },
    { development, oidc: { ...oidc, issuer: "urn:sluice:development" } },
  ];
  for (const options of wrong) {
    t.throws(() => createAuthenticator({ ...options, findOrganisation }), { code: "configuration_invalid" });
  }
});
