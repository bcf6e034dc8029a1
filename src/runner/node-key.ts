import { randomBytes } from "node:crypto";
import { link, mkdir, open, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { calculateJwkThumbprint, type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from "jose";
import { Value } from "typebox/value";
import {
  ENROLMENT_AUDIENCE,
  ENROLMENT_PROOF_TYPE,
  NodePublicKey,
  RUNNER_TOKEN_SECONDS,
  RUNNER_TOKEN_TYPE,
} from "#contract/node.ts";
import { sha256 } from "#kernel/digest.ts";
import { AppError } from "#kernel/errors.ts";

/** A node's own key. INVARIANT: its private half is in one file of mode 0600 and in this process, nowhere else. */
export interface NodeKey {
  publicKey: NodePublicKey;
  thumbprint: string;
  /** A token for one request of this node, for one deployment. */
  signRequest(request: { name: string; audience: string; method: string; path: string }): Promise<string>;
  /** Shows to whoever has the enrolment token that this key's holder has it too. */
  proveFor(enrolmentToken: string): Promise<string>;
}

const FILE_NAME = "node-key.json";

/** The key in `directory`, made at the first use. Throws `configuration_invalid` when others can read it. */
export async function openNodeKey(directory: string): Promise<NodeKey> {
  const path = join(directory, FILE_NAME);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const privateJwk = (await readKey(path)) ?? (await createKey(path));
  const { kty, crv, x } = privateJwk;
  const publicKey = { kty, crv, x };
  if (!Value.Check(NodePublicKey, publicKey)) throw invalid(path, "it holds no Ed25519 key");
  const key = (await importJWK(privateJwk, "EdDSA")) as CryptoKey;
  const thumbprint = await calculateJwkThumbprint(publicKey);
  const sign = async (claims: Record<string, string>, typ: string) =>
    new SignJWT({ ...claims, jti: randomBytes(16).toString("base64url") })
      .setProtectedHeader({ alg: "EdDSA", typ, kid: thumbprint })
      .setIssuedAt()
      .setExpirationTime(`${RUNNER_TOKEN_SECONDS}s`)
      .sign(key);
  return {
    publicKey,
    thumbprint,
    signRequest: async ({ name, audience, method, path: htu }) =>
      sign({ iss: name, aud: audience, htm: method, htu }, RUNNER_TOKEN_TYPE),
    proveFor: async (token) => sign({ aud: ENROLMENT_AUDIENCE, tkn: sha256(token) }, ENROLMENT_PROOF_TYPE),
  };
}

async function readKey(path: string): Promise<JWK | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  if (((await stat(path)).mode & 0o077) !== 0) throw invalid(path, "others can read it");
  try {
    return JSON.parse(text) as JWK;
  } catch {
    throw invalid(path, "it is no JSON");
  }
}

/** Written beside its place and linked: whoever is first has made the key, and nobody reads half of one. */
async function createKey(path: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const draft = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    await using file = await open(draft, "wx", 0o600);
    await file.writeFile(JSON.stringify(await exportJWK(privateKey)));
    await file.sync();
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await rm(draft, { force: true });
  }
  const key = await readKey(path);
  if (!key) throw invalid(path, "it was made and is gone");
  return key;
}

function invalid(path: string, reason: string): AppError {
  return new AppError("configuration_invalid", `${path}: ${reason}`);
}
