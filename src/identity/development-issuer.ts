import { randomBytes } from "node:crypto";
import { link, mkdir, open, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from "jose";
import type { Role } from "#contract/organisation.ts";
import { type Clock, systemClock } from "#kernel/clock.ts";
import { AppError } from "#kernel/errors.ts";

export const DEVELOPMENT_ISSUER = "urn:sluice:development";
export const DEVELOPMENT_AUDIENCE = "sluice";
/** Longest life of a token, the same for every source. */
export const MAX_TOKEN_AGE_SECONDS = 24 * 60 * 60;

export interface TokenRequest {
  subject: string;
  organisation: string;
  roles: readonly Role[];
  /** 1 s to 24 h. */
  lifetimeSeconds: number;
}

export interface DevelopmentIssuer {
  readonly issueToken: (request: TokenRequest) => Promise<string>;
  readonly publicJwk: JWK;
}

const FILE_NAME = "development-issuer.json";

/**
 * The local issuer of development mode: an Ed25519 key in `directory` (file mode 0600, made at the first use).
 * AppError `configuration_invalid` when the file can be read by others or holds no such key.
 */
export async function createDevelopmentIssuer(
  directory: string,
  clock: Clock = systemClock,
): Promise<DevelopmentIssuer> {
  const path = join(directory, FILE_NAME);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const privateJwk = (await readKey(path)) ?? (await createKey(path));
  const { kty, crv, x, kid } = privateJwk as Record<string, string>;
  const publicJwk = { kty, crv, x, kid, alg: "EdDSA", use: "sig" } as JWK;
  const key = await importJWK(privateJwk, "EdDSA");
  return {
    publicJwk,
    issueToken: async ({ subject, organisation, roles, lifetimeSeconds }) => {
      if (!(lifetimeSeconds >= 1 && lifetimeSeconds <= MAX_TOKEN_AGE_SECONDS)) {
        throw new AppError("invalid_request", "a token lives between one second and 24 hours");
      }
      const now = Math.floor(clock.nowMs() / 1000);
      return await new SignJWT({ org: organisation, roles: [...roles] })
        .setProtectedHeader({ alg: "EdDSA", typ: "at+jwt", kid: kid ?? "" })
        .setIssuer(DEVELOPMENT_ISSUER)
        .setAudience(DEVELOPMENT_AUDIENCE)
        .setSubject(subject)
        .setIssuedAt(now)
        .setExpirationTime(now + Math.floor(lifetimeSeconds))
        .sign(key);
    },
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
  if (((await stat(path)).mode & 0o077) !== 0) throw invalid(path, "the key is readable by others");
  return parseKey(path, text);
}

function parseKey(path: string, text: string): JWK {
  let jwk: JWK;
  try {
    jwk = JSON.parse(text) as JWK;
  } catch {
    throw invalid(path, "the file is no JSON");
  }
  const { kty, crv, kid, d, x } = jwk as Record<string, unknown>;
  const whole = [kid, d, x].every((member) => typeof member === "string");
  if (kty !== "OKP" || crv !== "Ed25519" || !whole) throw invalid(path, "the file holds no Ed25519 key");
  return jwk;
}

/** Linked into place when whole; of two processes at once, both use the key of the first. */
async function createKey(path: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const jwk = await exportJWK(privateKey);
  const text = JSON.stringify({ ...jwk, kid: await calculateJwkThumbprint(jwk) });
  const temporary = `${path}.${randomBytes(4).toString("hex")}`;
  const file = await open(temporary, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  const key = await readKey(path);
  if (!key) throw invalid(path, "the key vanished while it was made");
  return key;
}

function invalid(path: string, reason: string): AppError {
  return new AppError("configuration_invalid", `${path}: ${reason}`);
}
