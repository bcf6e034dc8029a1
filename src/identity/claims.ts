import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { Name } from "#contract/common.ts";
import { type OrganisationKind, type Role, ROLES, ROLES_OF_KIND } from "#contract/organisation.ts";

/** The claims that Sluice reads; a token may carry others. */
const Claims = Type.Object({
  // Identifies a person in the audit log: no control characters, so that it cannot forge a line of output.
  sub: Type.String({ minLength: 1, maxLength: 200, pattern: "^[^\\u0000-\\u001f\\u007f]+$" }),
  org: Name,
  roles: Type.Array(Type.Union(ROLES.map((role) => Type.Literal(role))), { minItems: 1, maxItems: ROLES.length }),
});
export type Claims = Omit<Static<typeof Claims>, "roles"> & { roles: Role[] };

export function parseClaims(payload: unknown): Claims {
  if (!Value.Check(Claims, payload)) throw new Error("the claims sub, org and roles do not have the expected form");
  const { sub, org, roles } = payload as Claims;
  return { sub, org, roles };
}

/** INVARIANT: an identity provider of one organisation cannot grant a role of another kind of organisation. */
export function checkRoles(roles: readonly Role[], kind: OrganisationKind): readonly Role[] {
  const impossible = roles.find((role) => !ROLES_OF_KIND[kind].includes(role));
  if (impossible) throw new Error(`an organisation of kind ${kind} cannot hold the role ${impossible}`);
  return [...new Set(roles)];
}
