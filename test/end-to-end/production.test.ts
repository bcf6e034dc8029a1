import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { type Client, createClient } from "#client/index.ts";
import { type Config, readConfig } from "#config/index.ts";
import type { Role } from "#contract/organisation.ts";
import { createDevelopmentIssuer } from "#identity/index.ts";
import { type RunningServer, startServer } from "../../src/bin/serve.ts";
import { detectConfinement } from "../../src/runner/detect-confinement.ts";
import { createKey, sign, startJwksServer } from "../identity/tokens.ts";
import { applySpace } from "./apply-space.ts";
import { writeSpace } from "./space.ts";

const AUDIENCE = "sluice-test";
const ISSUER = "https://id.example.test";
const directory = mkdtempSync(join(tmpdir(), "sluice-production-"));
const sources = join(directory, "sources");
const places = { dataDirectory: join(directory, "data"), port: 0, sourceRoots: [sources] };
const key = await createKey("EdDSA", "k1");
const keys = await startJwksServer(t, [key.jwk]);
t.teardown(() => rmSync(directory, { recursive: true, force: true }));

function production(env: Record<string, string> = {}): Config {
  const oidc = { SLUICE_OIDC_ISSUER: ISSUER, SLUICE_OIDC_AUDIENCE: AUDIENCE, SLUICE_OIDC_JWKS_URL: keys.url };
  const settings = { ...oidc, SLUICE_CONFINEMENT: "bubblewrap,landlock", SLUICE_LOG_LEVEL: "silent", ...env };
  return readConfig(settings, places);
}

async function client(server: RunningServer, org: string, role: Role): Promise<Client> {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: ISSUER, aud: AUDIENCE, sub: `${role}-of-${org}`, org, roles: [role], iat: now, exp: now + 600 };
  const token = await sign(key.privateKey, { alg: "EdDSA", kid: "k1", typ: "at+jwt" }, claims);
  return createClient({ url: server.url, token });
}

/** The steps of other organisations are taken by a development server: this file is about what comes after them. */
async function declareSpace(): Promise<void> {
  const server = await startServer(readConfig({ SLUICE_LOG_LEVEL: "silent" }, { ...places, development: true }));
  try {
    await applySpace(await developmentOperator(server), writeSpace(sources));
  } finally {
    await server.close();
  }
}

async function developmentOperator(server: RunningServer): Promise<Client> {
  const issuer = await createDevelopmentIssuer(places.dataDirectory);
  const person = { subject: "operator", organisation: "op", roles: ["operator" as const], lifetimeSeconds: 600 };
  return createClient({ url: server.url, token: await issuer.issueToken(person) });
}

const { confinement: expected } = await detectConfinement({
  accepted: ["bubblewrap", "landlock"],
  controlGroup: "preferred",
});
const skip = expected === undefined && "neither bubblewrap nor Landlock holds on this machine";

t.test("a production server runs jobs in a confinement that was tried, and says which", { skip }, async (t) => {
  await declareSpace();
  const server = await startServer(production());
  t.teardown(async () => server.close());
  const acme = await client(server, "acme", "developer");
  const sql = "select district, count(*) as n from people group by district";
  const answered = await acme.jobs.submit({ scenario: "clinic-access", image: "sql@1", sql }, { waitSeconds: 60 });
  t.match(answered, { state: "succeeded", egress: { verdict: "release" } });
  const script = "const { rows } = await sql`select count(*) as n from people`; output.json('n', rows.length);";
  const ran = await acme.jobs.submit({ scenario: "clinic-access", image: "javascript@1", script }, { waitSeconds: 60 });
  t.match(ran, { state: "succeeded" });
  const auditor = await client(server, "op", "audit");
  const entries = [];
  for await (const entry of auditor.audit.entries()) entries.push(entry);
  const said = entries.filter(({ action }) => action === "runner.started" || action === "job.succeeded");
  t.ok(said.length >= 3);
  for (const { action, detail } of said) t.equal(detail["confinement"], expected, action);
});

t.test("a server does not start when nothing that is accepted holds", async (t) => {
  const config = { ...production(), confinement: [] };
  await t.rejects(startServer(config), { code: "configuration_invalid", message: /none of the accepted/ });
});
