import { type AuditContext, record } from "#audit/index.ts";
import type { AlarmView } from "#contract/security.ts";
import { AppError } from "#kernel/errors.ts";
import type { EventDraft } from "./event-draft.ts";
import { insertEvents } from "./insert-events.ts";
import { viewAlarm } from "./read.ts";

/** Acknowledges an open alarm; its rule counts anew from here. Throws `not_found` or `invalid_transition`. */
export async function acknowledgeAlarm(
  context: AuditContext,
  id: string,
  comment: string,
): Promise<{ view: AlarmView; events: EventDraft[] }> {
  const events = await closeAlarm(context, id, comment);
  const row = await context.tx.selectFrom("security_alarms").selectAll().where("id", "=", id).executeTakeFirst();
  if (!row) throw new AppError("not_found");
  if (events.length === 0) throw new AppError("invalid_transition", "the alarm is acknowledged already");
  return { view: viewAlarm(row), events };
}

/** Closes the alarm if it is open; the events that were written. */
export async function closeAlarm(context: AuditContext, id: string, comment: string): Promise<EventDraft[]> {
  const now = new Date(context.clock.nowMs());
  const closed = await context.tx
    .updateTable("security_alarms")
    .set({ state: "acknowledged", acknowledged_at: now, acknowledged_by: context.actor.id, comment })
    .where("id", "=", id)
    .where("state", "=", "open")
    .returning(["rule", "organisation", "scenario"])
    .executeTakeFirst();
  if (!closed) return [];
  const { rule, organisation, scenario } = closed;
  await record(context, { action: "alarm.acknowledged", subject: { kind: "alarm", id }, detail: { rule, comment } });
  const event: EventDraft = {
    kind: "alarm.acknowledged",
    atMs: now.getTime(),
    text: comment,
    details: { alarm: id, rule, subject: context.actor.id },
    ...(organisation === null ? {} : { organisation }),
    ...(scenario === null ? {} : { scenario }),
  };
  await insertEvents(context.tx, [event]);
  return [event];
}
