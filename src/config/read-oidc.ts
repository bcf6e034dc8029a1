import { type OidcConfig, TOKEN_ALGORITHMS } from "./config.ts";
import { isLoopback } from "./loopback.ts";
import { listOf, type SettingsReader, text, url } from "./settings.ts";

const REQUIRED = ["SLUICE_OIDC_ISSUER", "SLUICE_OIDC_AUDIENCE", "SLUICE_OIDC_JWKS_URL"];
const LOCAL_ISSUER = "urn:sluice:development";

/** All of issuer, audience and key address, or none of them. */
export function readOidc(reader: SettingsReader): OidcConfig | undefined {
  const issuer = reader.read("SLUICE_OIDC_ISSUER", text);
  const audience = reader.read("SLUICE_OIDC_AUDIENCE", text);
  const jwksUrl = reader.read("SLUICE_OIDC_JWKS_URL", url(["https:", "http:"]));
  const algorithms = reader.read("SLUICE_OIDC_ALGORITHMS", listOf(TOKEN_ALGORITHMS));
  if (issuer === LOCAL_ISSUER) reader.problems.push("SLUICE_OIDC_ISSUER: this name is the development issuer's");
  if (jwksUrl !== undefined) checkJwksUrl(reader, new URL(jwksUrl));
  if (issuer !== undefined && audience !== undefined && jwksUrl !== undefined) {
    return { issuer, audience, jwksUrl, algorithms: algorithms ?? TOKEN_ALGORITHMS };
  }
  const isAbsent = (name: string) => !reader.isSet(name);
  const anySet = [...REQUIRED, "SLUICE_OIDC_ALGORITHMS"].some((name) => reader.isSet(name));
  if (anySet && REQUIRED.some(isAbsent)) reader.problems.push(`${REQUIRED.join(", ")}: these belong together`);
  return undefined;
}

/** Who can change the keys on the way can make any token. */
function checkJwksUrl(reader: SettingsReader, address: URL): void {
  if (address.protocol === "https:" || isLoopback(address.hostname)) return;
  reader.problems.push("SLUICE_OIDC_JWKS_URL: https is required, except on loopback");
}
