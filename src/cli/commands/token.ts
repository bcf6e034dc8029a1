import { ROLES, type Role } from "#contract/organisation.ts";
import { createDevelopmentIssuer } from "#identity/index.ts";
import { usageError } from "../cli-error.ts";
import { parseDurationSeconds } from "../duration.ts";
import { dataDirectory } from "../data-directory.ts";
import { objectOutcome } from "../list.ts";
import type { CommandBody } from "../terminal.ts";

export interface TokenOptions {
  org: string;
  role: string[];
  sub: string;
  lifetime: string;
  data?: string;
}

/** A token of the development issuer; whoever can read the data directory can make any. */
export const tokenCommand: CommandBody<TokenOptions> = async ({ terminal, options }) => {
  const roles = options.role.map(parseRole);
  const lifetimeSeconds = parseDurationSeconds("--lifetime", options.lifetime);
  const issuer = await createDevelopmentIssuer(dataDirectory(terminal, options.data));
  const token = await issuer.issueToken({ subject: options.sub, organisation: options.org, roles, lifetimeSeconds });
  return objectOutcome({ token, lifetimeSeconds }, token);
};

function parseRole(text: string): Role {
  const role = ROLES.find((known) => known === text);
  if (!role) throw usageError(`--role is one of ${ROLES.join(", ")}`);
  return role;
}
