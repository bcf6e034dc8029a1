/**
 * Identity: access token → `Principal`. Tokens of an OIDC issuer (JWKS) and, in development mode, of a local
 * issuer whose Ed25519 key lies in the data directory.
 *
 * It must never tell a caller why a token was refused (one message; the reason is the error's cause, for the
 * log), trust a key or address that a token names, or grant a role that the organisation's kind cannot hold.
 */
export type { Principal } from "./principal.ts";
export {
  type Authenticator,
  type AuthenticatorOptions,
  createAuthenticator,
  type OidcSource,
} from "./authenticator.ts";
export { createDevelopmentIssuer, type DevelopmentIssuer, type TokenRequest } from "./development-issuer.ts";
export {
  createRunnerAuthenticator,
  type RunnerAuthenticator,
  type RunnerAuthenticatorOptions,
  type SignedRequest,
} from "./runner-tokens.ts";
