import type { Config } from "./config.ts";

const HIDDEN = "***";
const SECRET_PARAMETERS = /password|secret|token|key/i;

/** The configuration as `doctor` prints it: plain JSON, without secrets. */
export function describeConfig(config: Config): Record<string, unknown> {
  const { database, oidc, publicUrl } = config;
  return {
    ...config,
    database: database.kind === "embedded" ? database : { ...database, url: redactUrl(database.url) },
    ...(oidc ? { oidc: { ...oidc, jwksUrl: redactUrl(oidc.jwksUrl) } } : {}),
    ...(publicUrl === undefined ? {} : { publicUrl: redactUrl(publicUrl) }),
  };
}

function redactUrl(text: string): string {
  const address = URL.parse(text);
  if (!address) return HIDDEN;
  if (address.password !== "") address.password = HIDDEN;
  const names = new Set(address.searchParams.keys());
  for (const name of names) {
    if (SECRET_PARAMETERS.test(name)) address.searchParams.set(name, HIDDEN);
  }
  return address.href;
}
