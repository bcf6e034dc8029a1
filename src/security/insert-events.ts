import { type RawBuilder, sql } from "kysely";
import type { Transaction } from "#persistence/index.ts";
import { type EventDraft, severityOf } from "./event-draft.ts";

/** Longest text of an event; the whole of a statement is kept with its job. */
export const MAX_TEXT_CHARACTERS = 2000;

/**
 * Writes events. INVARIANT: their numbers are drawn while the transaction holds the head of the
 * audit chain, which no other transaction then takes before this one has ended: numbers come in the order of
 * commits, and a reader who follows them misses nothing.
 */
export async function insertEvents(tx: Transaction, drafts: readonly EventDraft[]): Promise<void> {
  if (drafts.length === 0) return;
  await sql`select seq from audit_head for update`.execute(tx);
  await eventsStatement(drafts).execute(tx);
}

/** The same for the transaction's end, where the head is held already. */
export function writeEventsLater(drafts: readonly EventDraft[]): RawBuilder<unknown>[] {
  return [eventsStatement(drafts)];
}

function eventsStatement(drafts: readonly EventDraft[]): RawBuilder<unknown> {
  const rows = JSON.stringify(drafts.map(toRow));
  return sql`
    insert into security_events
      (seq, at, kind, severity, job, organisation, scenario, runner, confinement, text, details)
    select nextval('security_event_numbers'), e.at, e.kind, e.severity, e.job, e.organisation, e.scenario, e.runner,
      e.confinement, e.text, e.details
    from (
      select r.* from jsonb_to_recordset(cast(${rows} as jsonb)) as r(
        n integer, at timestamptz, kind text, severity smallint, job text, organisation text, scenario text,
        runner text, confinement text, text text, details jsonb)
      order by r.n
    ) e`;
}

function toRow(draft: EventDraft, n: number) {
  const { kind, job, organisation, scenario, runner, confinement, details } = draft;
  const at = new Date(draft.atMs).toISOString();
  const place = { job, organisation, scenario, runner, confinement };
  return { n, at, kind, severity: severityOf(draft), ...place, text: storable(draft.text), details };
}

/** As much of a text as is kept, without what PostgreSQL has no text for. */
function storable(text: string): string {
  const kept = text.length > MAX_TEXT_CHARACTERS ? `${text.slice(0, MAX_TEXT_CHARACTERS - 1)}…` : text;
  return kept.toWellFormed().replaceAll("\0", "\u{fffd}");
}
