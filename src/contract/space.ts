import { Type, type Static } from "typebox";
import { Day, Name, OneOf } from "./common.ts";
import { Organisation } from "./organisation.ts";
import { ProductSpec } from "./product.ts";
import { ScenarioSpec } from "./scenario.ts";
import { WebhookSpec } from "./webhook.ts";

export const HeadAgreement = Type.Object(
  { operator: Name, number: Type.String({ minLength: 1 }), validFrom: Day, validTo: Day },
  { additionalProperties: false },
);
export type HeadAgreement = Static<typeof HeadAgreement>;

/** The space file: a whole data space, declared. Applying it twice changes nothing the second time. */
export const Space = Type.Object(
  {
    space: Name,
    organisations: Type.Array(Organisation, { minItems: 1 }),
    headAgreement: HeadAgreement,
    products: Type.Optional(Type.Array(ProductSpec)),
    scenarios: Type.Optional(Type.Array(ScenarioSpec)),
    webhooks: Type.Optional(Type.Array(WebhookSpec)),
  },
  { additionalProperties: false },
);
export type Space = Static<typeof Space>;

export const ApplyRequest = Type.Object(
  {
    space: Space,
    /** Take the steps of other organisations too; refused unless the server runs in development mode. */
    development: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

export const ApplyChange = Type.Object({
  kind: OneOf(["organisation", "head_agreement", "product", "scenario", "agreement", "filing", "opinion", "webhook"]),
  id: Type.String(),
  change: OneOf(["created", "updated", "advanced", "unchanged", "waiting"]),
  detail: Type.Optional(Type.String()),
});
export type ApplyChange = Static<typeof ApplyChange>;

export const ApplyResult = Type.Object({ space: Name, changes: Type.Array(ApplyChange) });
export type ApplyResult = Static<typeof ApplyResult>;
