import type { Generated } from "kysely";
import type { DeliveryState, WebhookEvent, WebhookState } from "#contract/webhook.ts";

export interface ChoreRow {
  name: string;
  due_at: Date;
  lease: string | null;
  lease_expires_at: Date | null;
  failures: Generated<number>;
  last_error: string | null;
  started_at: Date | null;
  succeeded_at: Date | null;
}

export interface WebhookRow {
  id: string;
  url: string;
  events: WebhookEvent[];
  state: WebhookState;
  secret_version: Generated<number>;
  /** Number of the last audit entry that was looked at. */
  position: number;
  created_by: string;
  created_at: Date;
  updated_at: Date;
}

export interface WebhookDeliveryRow {
  webhook: string;
  /** Number of the audit entry that is told of. */
  entry: number;
  event: WebhookEvent;
  state: DeliveryState;
  attempts: number;
  last_error: string | null;
  next_at: Date | null;
  created_at: Date;
  updated_at: Date;
}

export interface ChoreTables {
  chores: ChoreRow;
  webhooks: WebhookRow;
  webhook_deliveries: WebhookDeliveryRow;
}
