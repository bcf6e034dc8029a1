import { type AuditContext, writeLater } from "#audit/index.ts";
import type { SecurityThresholds } from "#contract/security.ts";
import { concernsRules, raiseAlarms } from "./alarms.ts";
import type { EventDraft } from "./event-draft.ts";
import { insertEvents, writeEventsLater } from "./insert-events.ts";

/**
 * Writes events and, in the same transaction, the alarms and suspensions that they bring about. Returns all that was
 * written, for whoever tells of it after the commit. Events that no rule looks at are written with the transaction's end.
 */
export async function noteEvents(
  context: AuditContext,
  thresholds: SecurityThresholds,
  drafts: readonly EventDraft[],
): Promise<EventDraft[]> {
  if (!concernsRules(drafts)) {
    for (const draft of drafts) writeLater(context, writeEventsLater, draft);
    return [...drafts];
  }
  await insertEvents(context.tx, drafts);
  return [...drafts, ...(await raiseAlarms(context, thresholds, drafts))];
}
