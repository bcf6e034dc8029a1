import { type AuditContext, record } from "#audit/index.ts";
import type { WebhookSecret, WebhookSpec, WebhookState } from "#contract/webhook.ts";
import { AppError } from "#kernel/errors.ts";
import { checkEndpoint, type EndpointRules } from "./endpoint.ts";
import { secretText, type WebhookSecrets } from "./secret.ts";

/**
 * Declares a webhook. It is told of what happens from now on; changing its address or events keeps its place. One that
 * was removed begins anew under its name. Throws `invalid_request` for an address that is not allowed.
 */
export async function putWebhook(
  context: AuditContext,
  spec: WebhookSpec,
  rules: EndpointRules,
): Promise<"created" | "updated" | "unchanged"> {
  const problem = checkEndpoint(spec.url, rules);
  if (problem !== undefined) throw new AppError("invalid_request", `webhook ${spec.id}: the address ${problem}`);
  const { tx } = context;
  const known = await tx.selectFrom("webhooks").selectAll().where("id", "=", spec.id).forUpdate().executeTakeFirst();
  const events = spec.events.toSorted();
  if (!known || known.state === "removed") return create(context, { ...spec, events });
  if (known.url === spec.url && known.events.join() === events.join()) return "unchanged";
  const changed = { url: spec.url, events, updated_at: new Date(context.clock.nowMs()) };
  await tx.updateTable("webhooks").set(changed).where("id", "=", spec.id).execute();
  await note(context, spec.id, { what: "updated", detail: { host: new URL(spec.url).host, events } });
  return "updated";
}

async function create(context: AuditContext, { id, url, events }: WebhookSpec): Promise<"created"> {
  const { tx } = context;
  const now = new Date(context.clock.nowMs());
  // the entry of the declaration itself is the last that is not told of
  const position = await note(context, id, { what: "created", detail: { host: new URL(url).host, events } });
  const values = { url, events, position, state: "active" as const, created_by: context.actor.id, updated_at: now };
  await tx
    .insertInto("webhooks")
    .values({ id, ...values, created_at: now })
    // a new key too: who was removed must not read what comes
    .onConflict((conflict) =>
      conflict.column("id").doUpdateSet(({ eb, ref }) => ({
        ...values,
        created_at: now,
        secret_version: eb(ref("webhooks.secret_version"), "+", 1),
      })),
    )
    .execute();
  await giveUpWaiting(context, id);
  await wake(context, id);
  return "created";
}

/** Stops, resumes or removes a webhook. Throws `not_found`, or `invalid_transition` when it is so already. */
export async function setWebhookState(context: AuditContext, id: string, state: WebhookState): Promise<void> {
  const known = await lock(context, id);
  if (known.state === state) throw new AppError("invalid_transition", `the webhook is ${state}`);
  const changed = { state, updated_at: new Date(context.clock.nowMs()) };
  await context.tx.updateTable("webhooks").set(changed).where("id", "=", id).execute();
  if (state === "removed") await giveUpWaiting(context, id);
  await note(context, id, { what: state === "active" ? "resumed" : state });
  await wake(context, id);
}

/** The signing key; with `rotate` a new one, which holds from the next attempt on. Each look is recorded. */
export async function rotateSecret(
  context: AuditContext,
  { id, rotate, secrets }: { id: string; rotate: boolean; secrets: WebhookSecrets },
): Promise<WebhookSecret> {
  const known = await lock(context, id);
  const version = known.secret_version + (rotate ? 1 : 0);
  if (rotate) {
    const changed = { secret_version: version, updated_at: new Date(context.clock.nowMs()) };
    await context.tx.updateTable("webhooks").set(changed).where("id", "=", id).execute();
  }
  await note(context, id, { what: rotate ? "secret_rotated" : "secret_shown", detail: { version } });
  return { id, secret: secretText(secrets.keyOf({ id, secret_version: version })), version };
}

async function lock({ tx }: AuditContext, id: string) {
  const known = await tx.selectFrom("webhooks").selectAll().where("id", "=", id).forUpdate().executeTakeFirst();
  if (!known || known.state === "removed") throw new AppError("not_found", "There is no such webhook");
  return known;
}

async function giveUpWaiting({ tx, clock }: AuditContext, webhook: string): Promise<void> {
  await tx
    .updateTable("webhook_deliveries")
    .set({ state: "dead", next_at: null, updated_at: new Date(clock.nowMs()) })
    .where("webhook", "=", webhook)
    .where("state", "=", "waiting")
    .execute();
}

/** The chore of a webhook, due at once. */
export async function wake({ tx, clock }: AuditContext, webhook: string): Promise<void> {
  const due = { due_at: new Date(clock.nowMs()) };
  await tx
    .insertInto("chores")
    .values({ name: `webhook.${webhook}`, ...due })
    .onConflict((conflict) => conflict.column("name").doUpdateSet(due))
    .execute();
}

async function note(
  context: AuditContext,
  id: string,
  { what, detail = {} }: { what: string; detail?: Record<string, unknown> },
): Promise<number> {
  return record(context, { action: `webhook.${what}`, subject: { kind: "webhook", id }, detail });
}
