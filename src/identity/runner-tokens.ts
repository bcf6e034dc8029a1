import { calculateJwkThumbprint, decodeJwt, importJWK, type JWK, jwtVerify } from "jose";
import { Value } from "typebox/value";
import {
  ENROLMENT_AUDIENCE,
  ENROLMENT_PROOF_TYPE,
  type NodePublicKey,
  RUNNER_TOKEN_SECONDS,
  RUNNER_TOKEN_TYPE,
  RunnerTokenClaims,
} from "#contract/node.ts";
import { type Clock, systemClock } from "#kernel/clock.ts";
import { sha256 } from "#kernel/digest.ts";
import { AppError } from "#kernel/errors.ts";

export interface RunnerAuthenticatorOptions {
  /** Names the deployment. */
  audience: string;
  /** The key of a node that may work now; asked for every request, so that a revocation is in force at once. */
  findKey: (name: string) => Promise<{ publicKey: NodePublicKey; thumbprint: string } | undefined>;
  clock?: Clock;
}

/** The request that a token has to be for. */
export interface SignedRequest {
  method: string;
  /** Without query. */
  path: string;
}

export interface RunnerAuthenticator {
  /** The name of the node. Throws AppError `unauthenticated`; what failed is its cause. */
  readonly authenticate: (token: string, request: SignedRequest) => Promise<string>;
  /** Checks that whoever enrols holds the private half of the key. Answers the key's thumbprint (RFC 7638). */
  readonly proveKey: (publicKey: NodePublicKey, proof: string, enrolmentToken: string) => Promise<string>;
}

const ALGORITHMS = ["EdDSA"];
const CLOCK_TOLERANCE_SECONDS = 10;
const MAX_TOKEN_CHARACTERS = 4096;

/** Tokens of runner nodes: each is for one request, lives a minute at most, and is taken once by this process. */
export function createRunnerAuthenticator(options: RunnerAuthenticatorOptions): RunnerAuthenticator {
  const { findKey, audience, clock = systemClock } = options;
  const seen = createNonces(clock);
  return {
    authenticate: async (token, request) => {
      const claimed = await refuseWith(async () => claimedName(token));
      // a database that does not answer is no refusal
      const known = await findKey(claimed);
      return refuseWith(async () => {
        if (!known) throw new Error("the node is not enrolled");
        const claims = await verify(token, known, { audience, issuer: claimed, clock });
        if (claims.htm !== request.method || claims.htu !== request.path) throw new Error("it is for another request");
        if (!seen.isNew(`${claimed}/${claims.jti}`, claims.exp)) throw new Error("it was used before");
        return claimed;
      });
    },
    proveKey: async (publicKey, proof, enrolmentToken) =>
      refuseWith(async () => {
        const { payload } = await jwtVerify(proof, await importJWK(publicKey as JWK, "EdDSA"), {
          algorithms: ALGORITHMS,
          typ: ENROLMENT_PROOF_TYPE,
          audience: ENROLMENT_AUDIENCE,
          maxTokenAge: RUNNER_TOKEN_SECONDS,
          clockTolerance: CLOCK_TOLERANCE_SECONDS,
          currentDate: new Date(clock.nowMs()),
        });
        if (payload["tkn"] !== sha256(enrolmentToken)) throw new Error("the proof is for another token");
        return calculateJwkThumbprint(publicKey);
      }),
  };
}

function claimedName(token: string): string {
  if (token.length > MAX_TOKEN_CHARACTERS) throw new Error("the token is too long");
  const { iss } = decodeJwt(token);
  if (iss === undefined) throw new Error("the token names no node");
  return iss;
}

async function verify(
  token: string,
  { publicKey, thumbprint }: { publicKey: NodePublicKey; thumbprint: string },
  { audience, issuer, clock }: { audience: string; issuer: string; clock: Clock },
): Promise<RunnerTokenClaims> {
  const { payload, protectedHeader } = await jwtVerify(token, await importJWK(publicKey as JWK, "EdDSA"), {
    algorithms: ALGORITHMS,
    typ: RUNNER_TOKEN_TYPE,
    audience,
    issuer,
    requiredClaims: ["exp", "iat", "jti"],
    maxTokenAge: RUNNER_TOKEN_SECONDS,
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    currentDate: new Date(clock.nowMs()),
  });
  if (protectedHeader.kid !== thumbprint) throw new Error("it was signed by another key");
  if (!Value.Check(RunnerTokenClaims, payload)) throw new Error("a claim is missing");
  if (payload.exp - payload.iat > RUNNER_TOKEN_SECONDS) throw new Error("it lives too long");
  return payload;
}

/** Numbers that were used, until their tokens are over anyway. */
function createNonces(clock: Clock) {
  const until = new Map<string, number>();
  let sweepAtMs = 0;
  return {
    isNew: (nonce: string, expSeconds: number): boolean => {
      const nowMs = clock.nowMs();
      if (nowMs >= sweepAtMs) {
        for (const [old, endMs] of until) if (endMs < nowMs) until.delete(old);
        sweepAtMs = nowMs + RUNNER_TOKEN_SECONDS * 1000;
      }
      if (until.has(nonce)) return false;
      until.set(nonce, (expSeconds + CLOCK_TOLERANCE_SECONDS) * 1000);
      return true;
    },
  };
}

async function refuseWith<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new AppError("unauthenticated", undefined, { cause });
  }
}
