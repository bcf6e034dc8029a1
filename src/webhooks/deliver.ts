import { type Selectable, sql } from "kysely";
import { type AuditContext, currentCheckpoint, listEntries, record, withAudit } from "#audit/index.ts";
import { backoffMs, type ChoreRun } from "#chores/index.ts";
import type { AuditEntry } from "#contract/audit.ts";
import type { Clock } from "#kernel/clock.ts";
import { AppError } from "#kernel/errors.ts";
import type { Database, WebhookDeliveryRow, WebhookRow } from "#persistence/index.ts";
import { wake } from "./declare.ts";
import { actionsOf, messageOf } from "./message.ts";
import { nextEntry } from "./next-entry.ts";
import type { WebhookSecrets } from "./secret.ts";
import type { Sender } from "./send.ts";

export interface Outlet {
  db: Database;
  clock: Clock;
  secrets: WebhookSecrets;
  sender: Sender;
}

/** Attempts before an event is given up: with the pauses of `backoffMs` some seven hours. */
export const MAX_ATTEMPTS = 16;
/** Events that one run sends at most. */
const BATCH = 100;
const IDLE_MS = 1_000;

/** The chores of webhooks that have something to look at. */
export async function findDueWebhooks(db: Database): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select w.id from webhooks w where w.state = 'active' and (
      w.position < (select seq from audit_head)
      or exists (select from webhook_deliveries d where d.webhook = w.id and d.state = 'waiting'))`.execute(db);
  return rows.map(({ id }) => `webhook.${id}`);
}

/**
 * Delivers what a webhook has not been told of, in order, and what the operator asked to be sent again. Answers when to
 * come again. What fails keeps its place until it is taken or given up.
 */
export async function deliverDue(outlet: Outlet, run: ChoreRun): Promise<number> {
  const webhook = await findActive(outlet, run);
  if (!webhook) return IDLE_MS;
  await sendAgain(outlet, run, webhook);
  for (let sent = 0; sent < BATCH && !run.stop.aborted; sent++) {
    const step = await deliverNext(outlet, run);
    if (!step.again) return step.waitMs;
  }
  return 0;
}

async function findActive({ db }: Outlet, { name }: ChoreRun): Promise<Webhook | undefined> {
  const query = db.selectFrom("webhooks").selectAll().where("id", "=", name.slice("webhook.".length));
  return query.where("state", "=", "active").executeTakeFirst();
}

type Webhook = Selectable<WebhookRow>;
type Delivery = Selectable<WebhookDeliveryRow>;
/** `again`: the next event may follow at once. */
type Step = { again: true } | { again: false; waitMs: number };
const IDLE: Step = { again: false, waitMs: IDLE_MS };

/** Read anew for each event: it may have been stopped or changed meanwhile. */
async function deliverNext(outlet: Outlet, run: ChoreRun): Promise<Step> {
  const { db, clock } = outlet;
  const webhook = await findActive(outlet, run);
  if (!webhook) return IDLE;
  const { seq: head } = await currentCheckpoint(db);
  const entry = await nextEntry(db, { after: webhook.position, upTo: head, actions: actionsOf(webhook.events) });
  if (!entry) {
    if (webhook.position < head) await moveOn(outlet, run, { webhook: webhook.id, position: head });
    return IDLE;
  }
  const before = await findDelivery(db, webhook.id, entry.seq);
  const waitMs = (before?.next_at?.getTime() ?? 0) - clock.nowMs();
  if (waitMs > 0 && waitMs <= MAX_WAIT_MS) return { again: false, waitMs };
  const end = await attempt(outlet, run, { webhook, entry, before });
  if (end.state === "waiting") return { again: false, waitMs: end.waitMs };
  const moved = await moveOn(outlet, run, { webhook: webhook.id, position: entry.seq });
  return moved ? { again: true } : IDLE;
}

/** Longer than any pause: what lies further ahead was written by a clock that went wrong. */
const MAX_WAIT_MS = 3_700_000;

interface Attempt {
  webhook: Webhook;
  entry: AuditEntry;
  before: Delivery | undefined;
}

type AttemptEnd = { state: "delivered" | "dead" } | { state: "waiting"; waitMs: number };

async function attempt(outlet: Outlet, run: ChoreRun, { webhook, entry, before }: Attempt): Promise<AttemptEnd> {
  const { db, clock, secrets, sender } = outlet;
  const message = await messageOf(db, entry);
  const { id, type: event } = message;
  const outgoing = { url: webhook.url, id, body: JSON.stringify(message), key: secrets.keyOf(webhook) };
  const error = await sender.send({ ...outgoing, nowMs: clock.nowMs(), stop: run.stop });
  // nothing is known of an attempt that was broken off: it is made again
  if (error === "stopped") return { state: "waiting", waitMs: 0 };
  const row = { webhook: webhook.id, entry: entry.seq, event };
  if (error === undefined) {
    if (before) await keep(outlet, { ...row, state: "delivered", attempts: before.attempts + 1, error: null });
    return { state: "delivered" };
  }
  const attempts = (before?.attempts ?? 0) + 1;
  if (attempts >= MAX_ATTEMPTS) {
    await giveUp(outlet, { ...row, attempts, error });
    return { state: "dead" };
  }
  const waitMs = backoffMs(attempts, Math.random());
  await keep(outlet, { ...row, state: "waiting", attempts, error, nextMs: clock.nowMs() + waitMs });
  return { state: "waiting", waitMs };
}

interface Kept {
  webhook: string;
  entry: number;
  event: Delivery["event"];
  state: Delivery["state"];
  attempts: number;
  error: string | null;
  nextMs?: number;
}

async function keep({ db, clock }: Pick<Outlet, "db" | "clock">, kept: Kept): Promise<void> {
  const { webhook, entry, event, state, attempts, error, nextMs } = kept;
  const now = new Date(clock.nowMs());
  const next = nextMs === undefined ? null : new Date(nextMs);
  const values = { state, attempts, last_error: error, next_at: next, updated_at: now };
  await db
    .insertInto("webhook_deliveries")
    .values({ webhook, entry, event, created_at: now, ...values })
    .onConflict((conflict) => conflict.columns(["webhook", "entry"]).doUpdateSet(values))
    .execute();
}

/** Somebody should know: it is in the audit log, in the list of deliveries and in the metrics. */
async function giveUp({ db, clock }: Outlet, dead: Omit<Kept, "state">): Promise<void> {
  const { webhook, entry, event, attempts, error } = dead;
  const actor = { kind: "system" as const, id: "chores" };
  await withAudit(db, { actor, clock }, async (context) => {
    await keep({ db: context.tx, clock }, { ...dead, state: "dead" });
    await record(context, {
      action: "webhook.given_up",
      subject: { kind: "webhook", id: webhook },
      outcome: "failure",
      detail: { entry, event, attempts, error },
    });
  });
}

/** INVARIANT: only who holds the chore's lease moves the place, so that nobody skips what another one is sending. */
async function moveOn(
  { db }: Outlet,
  { lease }: ChoreRun,
  { webhook, position }: { webhook: string; position: number },
): Promise<boolean> {
  const moved = await db
    .updateTable("webhooks")
    .set({ position })
    .where("id", "=", webhook)
    .where("position", "<", position)
    .where(({ exists, selectFrom }) => exists(selectFrom("chores").select("name").where("lease", "=", lease)))
    .returning("id")
    .executeTakeFirst();
  return moved !== undefined;
}

/** One attempt each for what the operator asked for; a failure waits for its own time and holds up nothing. */
async function sendAgain(outlet: Outlet, run: ChoreRun, webhook: Webhook): Promise<void> {
  const { db, clock } = outlet;
  const asked = await db
    .selectFrom("webhook_deliveries")
    .selectAll()
    .where("webhook", "=", webhook.id)
    .where("state", "=", "waiting")
    .where("entry", "<=", webhook.position)
    .where("next_at", "<=", new Date(clock.nowMs()))
    .orderBy("entry")
    .limit(BATCH)
    .execute();
  for (const before of asked) {
    if (run.stop.aborted) return;
    const [entry] = await listEntries(db, { afterSeq: before.entry - 1, limit: 1 });
    if (entry) await attempt(outlet, run, { webhook, entry, before });
  }
}

async function findDelivery(db: Database, webhook: string, entry: number): Promise<Delivery | undefined> {
  const query = db.selectFrom("webhook_deliveries").selectAll().where("webhook", "=", webhook);
  return query.where("entry", "=", entry).executeTakeFirst();
}

/** Sends a dead delivery again, with all attempts before it. Throws `not_found`, or `invalid_transition` when it is not dead. */
export async function redeliver(context: AuditContext, webhook: string, entry: number): Promise<void> {
  const { tx, clock } = context;
  const known = await findDelivery(tx, webhook, entry);
  if (!known) throw new AppError("not_found", "There is no such delivery");
  if (known.state !== "dead") throw new AppError("invalid_transition", `the delivery is ${known.state}`);
  const now = new Date(clock.nowMs());
  const again = { state: "waiting" as const, attempts: 0, next_at: now, updated_at: now };
  await tx
    .updateTable("webhook_deliveries")
    .set(again)
    .where("webhook", "=", webhook)
    .where("entry", "=", entry)
    .execute();
  await record(context, {
    action: "webhook.redelivery_requested",
    subject: { kind: "webhook", id: webhook },
    detail: { entry },
  });
  await wake(context, webhook);
}
