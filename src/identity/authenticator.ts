import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from "jose";
import type { OrganisationKind } from "#contract/organisation.ts";
import { type Clock, systemClock } from "#kernel/clock.ts";
import { AppError } from "#kernel/errors.ts";
import {
  DEVELOPMENT_AUDIENCE,
  DEVELOPMENT_ISSUER,
  type DevelopmentIssuer,
  MAX_TOKEN_AGE_SECONDS,
} from "./development-issuer.ts";
import { type Claims, checkRoles, parseClaims } from "./claims.ts";
import type { Principal } from "./principal.ts";

export interface OidcSource {
  issuer: string;
  audience: string;
  jwksUrl: string;
  /** Of EdDSA, ES256, RS256, PS256. */
  algorithms: readonly string[];
  /** How soon an unknown key id may fetch the keys again (default 30 s). */
  cooldownMs?: number;
}

export interface AuthenticatorOptions {
  development?: DevelopmentIssuer | undefined;
  oidc?: OidcSource | undefined;
  findOrganisation: (id: string) => Promise<{ kind: OrganisationKind } | undefined>;
  clock?: Clock;
}

export interface Authenticator {
  /**
   * Throws AppError `unauthenticated`, always with the same message, the reason being its cause; a failure of
   * `findOrganisation` passes through.
   */
  readonly authenticate: (token: string) => Promise<Principal>;
}

interface Source {
  issuer: string;
  audience: string;
  algorithms: string[];
  key: JWTVerifyGetKey;
}

const ALLOWED_ALGORITHMS = new Set(["EdDSA", "ES256", "RS256", "PS256"]);
const TYPES = new Set(["at+jwt", "jwt"]);
/** Header members that ask the verifier to trust or to do something. */
const REFUSED_HEADERS = ["crit", "b64", "jwk", "jku", "x5c", "x5u", "enc", "zip"];
const CLOCK_TOLERANCE_SECONDS = 10;
const MAX_TOKEN_CHARACTERS = 8192;
const JWKS_TIMEOUT_MS = 5_000;
const JWKS_COOLDOWN_MS = 30_000;
const JWKS_MAX_AGE_MS = 10 * 60_000;

/** At least one source is required; AppError `configuration_invalid` for a source that cannot be right. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const sources = new Map<string, Source>();
  if (options.development) addSource(sources, developmentSource(options.development));
  if (options.oidc) addSource(sources, oidcSource(options.oidc));
  if (sources.size === 0) throw new AppError("configuration_invalid", "there is no source of access tokens");
  const clock = options.clock ?? systemClock;
  return {
    authenticate: async (token) => {
      const claims = await refuseWith(() => verify(sources, token, clock));
      const organisation = await options.findOrganisation(claims.org);
      return await refuseWith(async () => toPrincipal(claims, organisation));
    },
  };
}

function addSource(sources: Map<string, Source>, source: Source): void {
  if (sources.has(source.issuer)) throw new AppError("configuration_invalid", "two token sources have the same issuer");
  sources.set(source.issuer, source);
}

function developmentSource({ publicJwk }: DevelopmentIssuer): Source {
  const key = createLocalJWKSet({ keys: [publicJwk] });
  return { issuer: DEVELOPMENT_ISSUER, audience: DEVELOPMENT_AUDIENCE, algorithms: ["EdDSA"], key };
}

function oidcSource(oidc: OidcSource): Source {
  const { issuer, audience, algorithms } = oidc;
  const unknown = algorithms.filter((algorithm) => !ALLOWED_ALGORITHMS.has(algorithm));
  if (unknown.length > 0 || algorithms.length === 0 || issuer === "" || audience === "") {
    throw new AppError("configuration_invalid", "the OIDC source needs issuer, audience and permitted algorithms");
  }
  const key = createRemoteJWKSet(new URL(oidc.jwksUrl), {
    timeoutDuration: JWKS_TIMEOUT_MS,
    cooldownDuration: oidc.cooldownMs ?? JWKS_COOLDOWN_MS,
    cacheMaxAge: JWKS_MAX_AGE_MS,
  });
  return { issuer, audience, algorithms: [...algorithms], key };
}

/** The issuer that the token names chooses the keys; the signature then has to prove the name. */
async function verify(sources: ReadonlyMap<string, Source>, token: string, clock: Clock): Promise<Claims> {
  if (token.length > MAX_TOKEN_CHARACTERS) throw new Error("the token is too long");
  checkHeader(token);
  const { iss } = decodeJwt(token);
  const source = typeof iss === "string" ? sources.get(iss) : undefined;
  if (!source) throw new Error("the issuer is not known");
  const { payload } = await jwtVerify(token, source.key, {
    issuer: source.issuer,
    audience: source.audience,
    algorithms: source.algorithms,
    requiredClaims: ["exp", "iat", "sub"],
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    maxTokenAge: MAX_TOKEN_AGE_SECONDS,
    currentDate: new Date(clock.nowMs()),
  });
  checkLifetime(payload);
  return parseClaims(payload);
}

function checkHeader(token: string): void {
  const header = decodeProtectedHeader(token) as Record<string, unknown>;
  const refused = REFUSED_HEADERS.find((name) => Object.hasOwn(header, name));
  if (refused) throw new Error(`the header has ${refused}`);
  if (typeof header["typ"] !== "string" || !TYPES.has(header["typ"].toLowerCase())) {
    throw new Error("the header has another typ");
  }
}

/** A token that lives longer than the bound is refused from the start, not only when it has grown old. */
function checkLifetime({ exp, iat }: JWTPayload): void {
  if (exp === undefined || iat === undefined || exp - iat > MAX_TOKEN_AGE_SECONDS) {
    throw new Error("the token lives longer than allowed");
  }
}

function toPrincipal(claims: Claims, organisation: { kind: OrganisationKind } | undefined): Principal {
  if (!organisation) throw new Error("the organisation is not known");
  const roles = checkRoles(claims.roles, organisation.kind);
  return { subject: claims.sub, organisation: claims.org, organisationKind: organisation.kind, roles };
}

async function refuseWith<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new AppError("unauthenticated", undefined, { cause: reasonOf(error) });
  }
}

/** Only the words: an error of jose carries the whole payload, and the cause is logged. */
function reasonOf(error: unknown): Error {
  return new Error(error instanceof Error ? `${error.name}: ${error.message}` : "unknown");
}
