import type { OrganisationKind, Role } from "#contract/organisation.ts";

/** Who is calling, as far as a valid token and the register of organisations say. */
export interface Principal {
  readonly subject: string;
  readonly organisation: string;
  readonly organisationKind: OrganisationKind;
  /** Not empty; each one may be held in an organisation of this kind. */
  readonly roles: readonly Role[];
}
