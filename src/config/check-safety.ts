import type { Config, ServeFlags } from "./config.ts";
import { isLoopback } from "./loopback.ts";

/**
 * What each value may be on its own, but not together with the others. What is `malformed` already (the problems
 * of the single settings) is not reported as missing too.
 */
export function checkSafety(config: Config, flags: ServeFlags, malformed: readonly string[]): string[] {
  const missing = config.development ? [] : checkProduction(config, malformed);
  return [...checkListening(config, flags), ...missing];
}

/** Every shortcut in force, for the log of each start. */
export function listWarnings(config: Config): string[] {
  const { development, confinement, listen } = config;
  return [
    ...(development ? ["development mode: a local issuer signs access tokens; never use it with real data"] : []),
    ...(confinement.includes("process")
      ? ["confinement: jobs may run as plain child processes, without a sandbox"]
      : []),
    ...(config.probing === "alarm"
      ? ["probing: repeated blocked results (R30) raise an alarm and suspend nothing"]
      : []),
    ...(isExposed(config) ? [`http without TLS on ${listen.host}: tokens and results can be read on the network`] : []),
    ...(hasPlainNodes(config) ? ["http without TLS for runner nodes: jobs and data can be read on the network"] : []),
    ...(hasPlainDatabase(config) ? ["database: the connection to PostgreSQL does not require TLS"] : []),
  ];
}

function checkListening(config: Config, flags: ServeFlags): string[] {
  const { listen, publicUrl } = config;
  const problems: string[] = [];
  if (publicUrl !== undefined && !isHttps(publicUrl) && !isLoopback(new URL(publicUrl).hostname)) {
    problems.push("SLUICE_PUBLIC_URL: https is required, except on loopback");
  }
  if (!isLoopback(listen.host) && !hasTls(config) && flags.insecureHttp !== true) {
    problems.push(
      `SLUICE_HOST: ${listen.host} is not loopback; set SLUICE_PUBLIC_URL to the https address of the proxy ` +
        "before the server, or accept plain http with --insecure-http",
    );
  }
  return problems;
}

function checkProduction(config: Config, malformed: readonly string[]): string[] {
  const isMalformed = (prefix: string) => malformed.some((problem) => problem.startsWith(prefix));
  const problems: string[] = [];
  if (!config.oidc && !isMalformed("SLUICE_OIDC_")) {
    problems.push(
      "SLUICE_OIDC_ISSUER, SLUICE_OIDC_AUDIENCE, SLUICE_OIDC_JWKS_URL: required, unless --development is given",
    );
  }
  if (config.probing !== "suspend") problems.push("SLUICE_PROBING: only --development goes on after probing");
  if (config.confinement.includes("process")) {
    problems.push("SLUICE_CONFINEMENT: process is no confinement; only --development accepts it");
  }
  if (config.confinement.length === 0 && !isMalformed("SLUICE_CONFINEMENT")) {
    problems.push("SLUICE_CONFINEMENT: required (bubblewrap, landlock), unless --development is given");
  }
  return problems;
}

function isExposed(config: Config): boolean {
  return !isLoopback(config.listen.host) && !hasTls(config);
}

function hasPlainNodes({ nodes }: Config): boolean {
  if (!nodes || isLoopback(nodes.listen.host) || nodes.tls) return false;
  return nodes.publicUrl === undefined || !isHttps(nodes.publicUrl);
}

function hasTls({ publicUrl }: Config): boolean {
  return publicUrl !== undefined && isHttps(publicUrl);
}

function isHttps(address: string): boolean {
  return new URL(address).protocol === "https:";
}

/** A local socket (no host, or a path as host) needs no TLS. */
function hasPlainDatabase({ database }: Config): boolean {
  if (database.kind === "embedded") return false;
  const address = new URL(database.url);
  const host = address.searchParams.get("host") ?? decodeURIComponent(address.hostname);
  if (host === "" || host.startsWith("/") || isLoopback(host)) return false;
  return !["require", "verify-ca", "verify-full"].includes(address.searchParams.get("sslmode") ?? "");
}
