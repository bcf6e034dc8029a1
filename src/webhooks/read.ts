import { type Selectable, sql } from "kysely";
import type { DeliveryState, DeliveryView, WebhookView } from "#contract/webhook.ts";
import { AppError } from "#kernel/errors.ts";
import { type PageOf, pageOf, type PageRequest } from "#kernel/page.ts";
import type { Database, Transaction, WebhookDeliveryRow } from "#persistence/index.ts";

/** All webhooks that were not removed, with how far each is behind. */
export async function listWebhooks(db: Database | Transaction): Promise<WebhookView[]> {
  const rows = await db
    .selectFrom("webhooks as w")
    .selectAll("w")
    .select([
      sql<number>`(select seq from audit_head)`.as("head"),
      countOf("waiting").as("waiting"),
      countOf("dead").as("dead"),
    ])
    .select(
      sql<{ error: string | null; next: string | null } | null>`(
        select jsonb_build_object('error', d.last_error, 'next', d.next_at) from webhook_deliveries d
        where d.webhook = w.id and d.state = 'waiting' order by d.entry limit 1)`.as("stuck"),
    )
    .where("w.state", "<>", "removed")
    .orderBy("w.id")
    .execute();
  return rows.map(({ stuck, ...row }) => ({
    id: row.id,
    url: row.url,
    events: row.events,
    state: row.state,
    position: row.position,
    head: row.head,
    waiting: row.waiting,
    dead: row.dead,
    ...(stuck?.error ? { lastError: stuck.error } : {}),
    ...(stuck?.next ? { nextAttemptAt: new Date(stuck.next).toISOString() } : {}),
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  }));
}

function countOf(state: DeliveryState) {
  return sql<number>`(select count(*) from webhook_deliveries d where d.webhook = w.id and d.state = ${state})`;
}

/** Throws `not_found`. */
export async function getWebhook(db: Database | Transaction, id: string): Promise<WebhookView> {
  const found = (await listWebhooks(db)).find((webhook) => webhook.id === id);
  if (!found) throw new AppError("not_found", "There is no such webhook");
  return found;
}

/** Deliveries that did not succeed at once, newest first. */
export async function listDeliveries(
  db: Database,
  page: PageRequest & { webhook: string; state?: DeliveryState | undefined },
): Promise<PageOf<DeliveryView>> {
  let query = db.selectFrom("webhook_deliveries").selectAll().where("webhook", "=", page.webhook);
  if (page.state !== undefined) query = query.where("state", "=", page.state);
  if (page.after !== undefined) query = query.where("entry", "<", entryOf(page.after));
  const rows = await query
    .orderBy("entry", "desc")
    .limit(page.limit + 1)
    .execute();
  return pageOf(
    rows.map((row) => ({ ...viewDelivery(row), id: String(row.entry) })),
    page.limit,
  );
}

function entryOf(cursor: string): number {
  if (!/^\d{1,15}$/.test(cursor)) throw new AppError("invalid_cursor");
  return Number(cursor);
}

function viewDelivery(row: Selectable<WebhookDeliveryRow>): DeliveryView {
  return {
    entry: row.entry,
    event: row.event,
    state: row.state,
    attempts: row.attempts,
    ...(row.last_error === null ? {} : { lastError: row.last_error }),
    ...(row.next_at === null ? {} : { nextAttemptAt: row.next_at.toISOString() }),
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

const KEPT_MS = 90 * 86_400_000;

/** Forgets deliveries that ended long ago. */
export async function purgeDeliveries(tx: Transaction, nowMs: number): Promise<void> {
  await tx
    .deleteFrom("webhook_deliveries")
    .where("state", "<>", "waiting")
    .where("updated_at", "<", new Date(nowMs - KEPT_MS))
    .execute();
}
