import { BlockList, isIP, isIPv6 } from "node:net";

export interface EndpointRules {
  /** `host` or `host:port`, as whoever runs the server allowed them. */
  hosts: readonly string[];
  /** A development server may also send to this machine, without TLS. */
  development: boolean;
}

/** Why nothing is sent to the address; undefined when it is allowed. Pure: names are looked up when it is sent. */
export function checkEndpoint(text: string, { hosts, development }: EndpointRules): string | undefined {
  const url = URL.parse(text);
  if (!url) return "is no address";
  if (url.username !== "" || url.password !== "") return "must not hold a name or a password";
  if (url.hash !== "") return "must not have a fragment";
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (development && isLoopbackName(host)) return undefined;
  if (url.protocol !== "https:") return "must begin with https://";
  if (!hosts.includes(url.host) && !hosts.includes(url.hostname)) {
    return `is of a host that SLUICE_WEBHOOK_HOSTS does not name: ${url.host}`;
  }
  return isIP(host) !== 0 && isForbidden(host) ? "is an address of this machine or its own network link" : undefined;
}

function isLoopbackName(host: string): boolean {
  return host === "localhost" || (isIP(host) !== 0 && loopback.check(host, isIPv6(host) ? "ipv6" : "ipv4"));
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/**
 * This machine, its link, many at once, nobody. Private networks are not among them: neighbouring systems live there,
 * and the host was named by whoever runs the server. The block list reads IPv4 addresses in IPv6 form too.
 */
const forbidden = new BlockList();
for (const [net, bits] of [
  ["0.0.0.0", 8],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
] as const) {
  forbidden.addSubnet(net, bits, "ipv4");
}
for (const [net, bits] of [
  ["::", 128],
  ["::1", 128],
  ["fe80::", 10],
  ["ff00::", 8],
] as const) {
  forbidden.addSubnet(net, bits, "ipv6");
}

/** Whether nothing is ever sent to the address, whatever name led to it. */
export function isForbidden(address: string): boolean {
  return forbidden.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}
