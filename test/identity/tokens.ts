import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { CompactSign, type CryptoKey, exportJWK, generateKeyPair, type JWK } from "jose";
import type { Test } from "tap";
import type { OrganisationKind } from "#contract/organisation.ts";

export const NOW_MS = Date.parse("2026-06-01T08:00:00Z");
export const NOW = NOW_MS / 1000;
export const clock = { nowMs: () => NOW_MS };

const KINDS = new Map<string, OrganisationKind>([
  ["acme", "developer"],
  ["wz-operator", "operator"],
  ["wz-data-bureau", "implementing_body"],
  ["health-bureau", "data_provider"],
]);

export async function findOrganisation(id: string): Promise<{ kind: OrganisationKind } | undefined> {
  const kind = KINDS.get(id);
  return kind && { kind };
}

export interface SigningKey {
  privateKey: CryptoKey;
  /** Public, with `kid`. */
  jwk: JWK;
}

export async function createKey(algorithm: string, kid: string): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: "sig" } };
}

/** Signs any header and payload, also those that no library would make. */
export async function sign(
  key: CryptoKey | Uint8Array,
  header: Record<string, unknown>,
  payload: unknown,
): Promise<string> {
  const text = typeof payload === "string" ? payload : JSON.stringify(payload);
  return await new CompactSign(new TextEncoder().encode(text)).setProtectedHeader(header as { alg: string }).sign(key);
}

export function base64url(value: unknown): string {
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
}

export interface JwksServer {
  url: string;
  /** What is served from now on. */
  keys: JWK[];
  status: number;
  requests: number;
}

/** A real key server on loopback. */
export async function startJwksServer(t: Test, keys: JWK[]): Promise<JwksServer> {
  const served: JwksServer = { url: "", keys, status: 200, requests: 0 };
  const server = createServer((_, response) => {
    served.requests += 1;
    response.writeHead(served.status, { "content-type": "application/json", connection: "close" });
    response.end(JSON.stringify({ keys: served.keys }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  served.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
  return served;
}
