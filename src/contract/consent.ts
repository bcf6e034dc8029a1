import { Type, type Static } from "typebox";
import { Instant, Name, OneOf } from "./common.ts";

/** A provider's word on linking its products with those of other providers under a scenario. */
export const ConsentCreate = Type.Object(
  {
    decision: OneOf(["give", "withdraw"]),
    comment: Type.String({ minLength: 1, maxLength: 2000, description: "The document that it stands on" }),
  },
  { additionalProperties: false },
);
export type ConsentCreate = Static<typeof ConsentCreate>;

export const ConsentView = Type.Object({
  provider: Name,
  /** `missing`: never given. `outdated`: given for other products or joins than the scenario has now. */
  state: OneOf(["given", "withdrawn", "outdated", "missing"]),
  comment: Type.Optional(Type.String()),
  decidedBy: Type.Optional(Type.String()),
  decidedAt: Type.Optional(Instant),
});
export type ConsentView = Static<typeof ConsentView>;
