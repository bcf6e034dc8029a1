import type { NodesConfig, ServeFlags } from "./config.ts";
import { isLoopback } from "./loopback.ts";
import { integer, type SettingsReader, text, url } from "./settings.ts";

/**
 * Where runner nodes reach this server; undefined: nowhere. Beyond loopback only through TLS, this server's own or that
 * of a proxy before it.
 */
export function readNodes(reader: SettingsReader, flags: ServeFlags): NodesConfig | undefined {
  const host = reader.read("SLUICE_NODES_HOST", text);
  const port = reader.read("SLUICE_NODES_PORT", integer(0, 65_535));
  const publicUrl = reader.read("SLUICE_NODES_URL", url(["https:", "http:"]));
  const certificate = reader.read("SLUICE_NODES_TLS_CERT", text);
  const key = reader.read("SLUICE_NODES_TLS_KEY", text);
  if ((certificate === undefined) !== (key === undefined)) {
    reader.problems.push("SLUICE_NODES_TLS_CERT, SLUICE_NODES_TLS_KEY: give both or none");
  }
  if (host === undefined) {
    if ([port, publicUrl, certificate, key].some((value) => value !== undefined)) {
      reader.problems.push("SLUICE_NODES_HOST: required when anything else is said about runner nodes");
    }
    return undefined;
  }
  const tls = certificate === undefined || key === undefined ? undefined : { certificate, key };
  const hasTls = tls !== undefined || (publicUrl !== undefined && new URL(publicUrl).protocol === "https:");
  if (!isLoopback(host) && !hasTls && flags.insecureHttp !== true) {
    reader.problems.push(
      `SLUICE_NODES_HOST: ${host} is not loopback; give SLUICE_NODES_TLS_CERT and _KEY, or the https address of the ` +
        "proxy before it as SLUICE_NODES_URL, or accept plain http with --insecure-http",
    );
  }
  return { listen: { host, port: port ?? 8443 }, publicUrl, tls };
}
