import { OVERSIGHT_ROLES, type Role } from "#contract/organisation.ts";

/** Whose eyes a view is made for; a `Principal` is one. */
export interface Reader {
  readonly organisation: string;
  readonly roles: readonly Role[];
}

export function seesEverything(reader: Reader): boolean {
  return reader.roles.some((role) => OVERSIGHT_ROLES.includes(role));
}
