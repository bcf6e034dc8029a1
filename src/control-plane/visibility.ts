import type { Role } from "#contract/organisation.ts";
import type { Principal } from "#identity/index.ts";

const SEES_ALL: readonly Role[] = ["operator", "reviewer", "security"];

/** The organisation whose objects the caller may see; undefined for the operator's people, who see all. */
export function ownOrganisation(principal: Principal): string | undefined {
  return principal.roles.some((role) => SEES_ALL.includes(role)) ? undefined : principal.organisation;
}
