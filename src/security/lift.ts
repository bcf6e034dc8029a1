import type { Selectable } from "kysely";
import { type AuditContext, record } from "#audit/index.ts";
import type { SuspensionView } from "#contract/security.ts";
import { AppError } from "#kernel/errors.ts";
import type { SuspensionRow } from "#persistence/index.ts";
import { closeAlarm } from "./acknowledge.ts";
import type { EventDraft } from "./event-draft.ts";
import { insertEvents } from "./insert-events.ts";
import { viewSuspension } from "./read.ts";

/**
 * Lifts a suspension; the alarm that set it is acknowledged with it, so that its rule counts anew. What the
 * implementing body set, only the implementing body lifts (`forbidden`). Throws `not_found`, or
 * `invalid_transition` when it holds no more.
 */
export async function liftSuspension(
  context: AuditContext,
  id: string,
  reason: string,
): Promise<{ view: SuspensionView; events: EventDraft[] }> {
  const suspension = await context.tx
    .selectFrom("suspensions")
    .selectAll()
    .where("id", "=", id)
    .forUpdate()
    .executeTakeFirst();
  if (!suspension) throw new AppError("not_found");
  const { roles } = context.actor;
  if (suspension.authority === "implementing_body" && roles?.includes("implementing_body") !== true) {
    throw new AppError("forbidden", "what the implementing body suspended, only the implementing body lifts");
  }
  if (suspension.lifted_at !== null) throw new AppError("invalid_transition", "the suspension holds no more");
  const lifted = { lifted_at: new Date(context.clock.nowMs()), lifted_by: context.actor.id, lift_reason: reason };
  await context.tx.updateTable("suspensions").set(lifted).where("id", "=", id).execute();
  const closed = suspension.alarm === null ? [] : await closeAlarm(context, suspension.alarm, reason);
  await record(context, {
    action: "suspension.lifted",
    subject: { kind: "suspension", id },
    detail: { scope: { [suspension.scope_kind]: suspension.scope }, authority: suspension.authority, reason },
  });
  const event = await liftEvent(context, suspension, { text: reason, by: context.actor.id });
  await insertEvents(context.tx, [event]);
  const view = viewSuspension({ ...suspension, ...lifted }, lifted.lifted_at.getTime());
  return { view, events: [...closed, event] };
}

/** Marks suspensions whose time is over. The chain of authority does not wait for this: it compares the times itself. */
export async function endSuspensions(context: AuditContext): Promise<EventDraft[]> {
  const ended = await context.tx
    .updateTable("suspensions")
    .set(({ ref }) => ({ lifted_at: ref("until") }))
    .where("lifted_at", "is", null)
    .where("until", "<=", new Date(context.clock.nowMs()))
    .returningAll()
    .execute();
  const events: EventDraft[] = [];
  for (const suspension of ended) {
    const { id, scope_kind: kind, scope } = suspension;
    const detail = { scope: { [kind]: scope }, reason: "term_ended" };
    await record(context, { action: "suspension.ended", subject: { kind: "suspension", id }, detail });
    events.push(await liftEvent(context, suspension, { text: "its time is over", by: "time" }));
  }
  await insertEvents(context.tx, events);
  return events;
}

async function liftEvent(
  { tx, clock }: AuditContext,
  { id, scope_kind: kind, scope }: Selectable<SuspensionRow>,
  { text, by }: { text: string; by: string },
): Promise<EventDraft> {
  const details = { suspension: id, scope: kind, by };
  const event = { kind: "suspension.lifted" as const, atMs: clock.nowMs(), text, details };
  if (kind === "organisation") return { ...event, organisation: scope };
  const row = await tx.selectFrom("scenarios").select("developer").where("id", "=", scope).executeTakeFirst();
  return { ...event, scenario: scope, organisation: row?.developer };
}
