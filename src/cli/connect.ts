import { createClient, type Client } from "#client/index.ts";
import { CliError } from "./cli-error.ts";
import { findProfile, profilePath } from "./profile.ts";
import { languageOf } from "./language.ts";
import type { Terminal } from "./terminal.ts";

/**
 * A client for the server that SLUICE_URL and SLUICE_TOKEN name, else for the one of the profile. A kept token goes
 * only to the server that it was kept for.
 */
export async function connect(terminal: Terminal): Promise<Client> {
  const { env } = terminal;
  const profile = env["SLUICE_URL"] && env["SLUICE_TOKEN"] ? undefined : await findProfile(profilePath(terminal));
  const url = env["SLUICE_URL"] || profile?.url;
  if (!url) throw new CliError("no_server", "No server: set SLUICE_URL or run sluice login");
  const token = env["SLUICE_TOKEN"] || (sameServer(profile?.url, url) ? profile?.token : undefined);
  if (!token) throw new CliError("no_token", "No token: set SLUICE_TOKEN or run sluice login");
  if (!isProtected(url)) terminal.stderr.write(`sluice: warning: the token is sent to ${url} without encryption\n`);
  return createClient({ url, token, language: languageOf(terminal) });
}

function sameServer(a: string | undefined, b: string): boolean {
  return a !== undefined && URL.canParse(a) && URL.canParse(b) && new URL(a).origin === new URL(b).origin;
}

function isProtected(url: string): boolean {
  if (!URL.canParse(url)) return true; // refused with its own message by the client
  const { protocol, hostname } = new URL(url);
  return protocol === "https:" || /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}
