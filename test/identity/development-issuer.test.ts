import { chmod, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeJwt, decodeProtectedHeader } from "jose";
import tap from "tap";
import { createAuthenticator, createDevelopmentIssuer } from "#identity/index.ts";
import { clock, findOrganisation, NOW } from "./tokens.ts";

const request = { subject: "alice", organisation: "acme", roles: ["developer"], lifetimeSeconds: 60 } as const;
const FILE = "development-issuer.json";

await tap.test("the key is made once, for its owner only, and found again", async (t) => {
  const directory = join(t.testdir(), "identity");
  const first = await createDevelopmentIssuer(directory, clock);
  const second = await createDevelopmentIssuer(directory, clock);
  t.equal((await stat(join(directory, FILE))).mode & 0o777, 0o600);
  t.strictSame(await readdir(directory), [FILE]);
  t.strictSame(first.publicJwk, second.publicJwk);
  const { authenticate } = createAuthenticator({ development: first, findOrganisation, clock });
  t.match(await authenticate(await second.issueToken(request)), { subject: "alice", roles: ["developer"] });
});

await tap.test("processes that make it at once use the same key", async (t) => {
  const directory = t.testdir();
  const issuers = await Promise.all(Array.from({ length: 8 }, async () => await createDevelopmentIssuer(directory)));
  t.equal(new Set(issuers.map(({ publicJwk }) => publicJwk.x)).size, 1);
  t.strictSame(await readdir(directory), [FILE]);
});

await tap.test("the public key holds nothing of the private one", async (t) => {
  const directory = t.testdir();
  const { publicJwk } = await createDevelopmentIssuer(directory);
  const { d } = JSON.parse(await readFile(join(directory, FILE), "utf8")) as { d: string };
  t.strictSame(Object.keys(publicJwk).toSorted(), ["alg", "crv", "kid", "kty", "use", "x"]);
  t.notMatch(JSON.stringify(publicJwk), d);
});

await tap.test("a token says who, for whom and how long", async (t) => {
  const token = await (await createDevelopmentIssuer(t.testdir(), clock)).issueToken(request);
  t.match(decodeProtectedHeader(token), { alg: "EdDSA", typ: "at+jwt" });
  t.strictSame(decodeJwt(token), {
    iss: "urn:sluice:development",
    aud: "sluice",
    sub: "alice",
    org: "acme",
    roles: ["developer"],
    iat: NOW,
    exp: NOW + 60,
  });
});

await tap.test("a lifetime beyond the bound is refused", async (t) => {
  const issuer = await createDevelopmentIssuer(t.testdir(), clock);
  for (const lifetimeSeconds of [0, -1, 0.5, 86_401, Number.NaN, Number.POSITIVE_INFINITY]) {
    await t.rejects(issuer.issueToken({ ...request, lifetimeSeconds }), { code: "invalid_request" });
  }
});

const texts: [what: string, text: string][] = [
  ["no JSON", "{"],
  ["nothing", "{}"],
  ["another kind of key", '{"kty":"EC","crv":"P-256","x":"a","d":"b","kid":"c"}'],
  ["no private part", '{"kty":"OKP","crv":"Ed25519","x":"a","kid":"c"}'],
];

await tap.test("a key file that is damaged, or open to others, stops the start", async (t) => {
  for (const [what, text] of texts) {
    const directory = t.testdir();
    await writeFile(join(directory, FILE), text, { mode: 0o600 });
    await t.rejects(createDevelopmentIssuer(directory), { code: "configuration_invalid" }, what);
  }
  const directory = t.testdir();
  await createDevelopmentIssuer(directory);
  for (const mode of [0o640, 0o604, 0o666]) {
    await chmod(join(directory, FILE), mode);
    await t.rejects(createDevelopmentIssuer(directory), { code: "configuration_invalid" });
  }
});
