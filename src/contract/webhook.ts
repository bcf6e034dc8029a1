import { Type, type Static } from "typebox";
import { Instant, Name, OneOf } from "./common.ts";

/** What a neighbouring system can be told of → the audit actions that mean it. */
export const WEBHOOK_EVENTS = {
  "job.ended": ["job.succeeded", "job.failed", "job.cancelled"],
  "egress.decided": ["egress.checked", "egress.rejected", "egress.returned", "egress.expired"],
  "release.made": ["egress.released"],
  "release.ended": ["egress.revoked", "release.expired"],
  "filing.submitted": ["filing.submitted"],
  "filing.decided": ["filing.accepted", "filing.returned", "filing.archived"],
  "alarm.raised": ["alarm.raised"],
} as const;

export type WebhookEvent = keyof typeof WEBHOOK_EVENTS;
export const WEBHOOK_EVENT_NAMES = Object.keys(WEBHOOK_EVENTS) as readonly WebhookEvent[];

/** Removed ones stay for their deliveries. */
export const WEBHOOK_STATES = ["active", "paused", "removed"] as const;
export type WebhookState = (typeof WEBHOOK_STATES)[number];

/** `dead`: tried as often as is tried; nothing is sent any more unless the operator asks. */
export const DELIVERY_STATES = ["waiting", "delivered", "dead"] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

export const WebhookSpec = Type.Object(
  {
    id: Name,
    url: Type.String({ minLength: 1, maxLength: 2000, pattern: "^https?://" }),
    events: Type.Array(OneOf(WEBHOOK_EVENT_NAMES), { minItems: 1, uniqueItems: true }),
  },
  { additionalProperties: false },
);
export type WebhookSpec = Static<typeof WebhookSpec>;

export const WebhookView = Type.Object({
  id: Name,
  url: Type.String(),
  events: Type.Array(OneOf(WEBHOOK_EVENT_NAMES)),
  state: OneOf(WEBHOOK_STATES),
  /** Audit entries up to here were looked at; the log ends at `head`. */
  position: Type.Integer({ minimum: 0 }),
  head: Type.Integer({ minimum: 0 }),
  waiting: Type.Integer({ minimum: 0 }),
  dead: Type.Integer({ minimum: 0 }),
  lastError: Type.Optional(Type.String()),
  nextAttemptAt: Type.Optional(Instant),
  createdAt: Instant,
  updatedAt: Instant,
});
export type WebhookView = Static<typeof WebhookView>;

export const DeliveryView = Type.Object({
  entry: Type.Integer({ minimum: 1 }),
  event: OneOf(WEBHOOK_EVENT_NAMES),
  state: OneOf(DELIVERY_STATES),
  attempts: Type.Integer({ minimum: 0 }),
  lastError: Type.Optional(Type.String()),
  nextAttemptAt: Type.Optional(Instant),
  createdAt: Instant,
  updatedAt: Instant,
});
export type DeliveryView = Static<typeof DeliveryView>;

/** `whsec_` and the base64 of the key, as the receivers' libraries take it. */
export const WebhookSecret = Type.Object({ id: Name, secret: Type.String(), version: Type.Integer({ minimum: 1 }) });
export type WebhookSecret = Static<typeof WebhookSecret>;

/** The body of a delivery. Identifiers, codes and digests only; never a value of the data. */
export const WebhookMessage = Type.Object({
  type: OneOf(WEBHOOK_EVENT_NAMES),
  /** The same in every attempt, and in the header `webhook-id`. */
  id: Type.String({ pattern: "^evt_[0-9a-f]{32}$" }),
  at: Instant,
  /** Number of the audit entry. */
  entry: Type.Integer({ minimum: 1 }),
  data: Type.Record(Type.String(), Type.Unknown()),
});
export type WebhookMessage = Static<typeof WebhookMessage>;

export const ChoreView = Type.Object({
  name: Type.String(),
  dueAt: Instant,
  running: Type.Boolean(),
  failures: Type.Integer({ minimum: 0 }),
  lastError: Type.Optional(Type.String()),
  startedAt: Type.Optional(Instant),
  succeededAt: Type.Optional(Instant),
});
export type ChoreView = Static<typeof ChoreView>;
