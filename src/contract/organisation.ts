import { Type, type Static } from "typebox";
import { Name, OneOf } from "./common.ts";

export const OrganisationKind = OneOf(["implementing_body", "operator", "data_provider", "developer"]);
export type OrganisationKind = Static<typeof OrganisationKind>;

export const Organisation = Type.Object({
  id: Name,
  kind: OrganisationKind,
  title: Type.Optional(Type.String({ maxLength: 200 })),
  /** Share of the runners while organisations want more than there is; the default is 1. */
  weight: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
});
export type Organisation = Static<typeof Organisation>;

/** What a person may be; the token's `roles` claim holds any number of them. */
export const ROLES = [
  "developer",
  "operator",
  "reviewer",
  "security",
  "audit",
  "implementing_body",
  "provider",
] as const;
export type Role = (typeof ROLES)[number];

/**
 * Roles that a member of an organisation of this kind can hold at all; a token that claims another is refused,
 * so that a developer's identity provider cannot make an operator.
 */
export const ROLES_OF_KIND: Readonly<Record<OrganisationKind, readonly Role[]>> = {
  implementing_body: ["implementing_body", "audit"],
  operator: ["operator", "reviewer", "security", "audit"],
  data_provider: ["provider"],
  developer: ["developer"],
};

/** Roles that see the whole data space; everybody else sees what concerns their own organisation. */
export const OVERSIGHT_ROLES: readonly Role[] = ["operator", "reviewer", "security", "audit", "implementing_body"];
