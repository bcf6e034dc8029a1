import type { Selectable } from "kysely";
import type { AlarmView, SuspensionView } from "#contract/security.ts";
import { type PageOf, pageOf, type PageRequest } from "#kernel/page.ts";
import type { Database, SecurityAlarmRow, SuspensionRow } from "#persistence/index.ts";

/** Alarms, newest first. */
export async function listAlarms(
  db: Database,
  page: PageRequest & { state?: AlarmView["state"] | undefined },
): Promise<PageOf<AlarmView>> {
  let query = db
    .selectFrom("security_alarms")
    .selectAll()
    .orderBy("id", "desc")
    .limit(page.limit + 1);
  if (page.state !== undefined) query = query.where("state", "=", page.state);
  if (page.after !== undefined) query = query.where("id", "<", page.after);
  return pageOf((await query.execute()).map(viewAlarm), page.limit);
}

/** Suspensions, newest first, those that hold no more too. */
export async function listSuspensions(
  db: Database,
  page: PageRequest & { nowMs: number },
): Promise<PageOf<SuspensionView>> {
  let query = db
    .selectFrom("suspensions")
    .selectAll()
    .orderBy("id", "desc")
    .limit(page.limit + 1);
  if (page.after !== undefined) query = query.where("id", "<", page.after);
  const rows = await query.execute();
  return pageOf(
    rows.map((row) => viewSuspension(row, page.nowMs)),
    page.limit,
  );
}

export function viewAlarm(row: Selectable<SecurityAlarmRow>): AlarmView {
  return {
    id: row.id,
    rule: row.rule,
    state: row.state,
    text: row.text,
    ...(row.organisation === null ? {} : { organisation: row.organisation }),
    ...(row.scenario === null ? {} : { scenario: row.scenario }),
    count: row.count,
    raisedAt: row.raised_at.toISOString(),
    lastAt: row.last_at.toISOString(),
    ...(row.suspension === null ? {} : { suspension: row.suspension }),
    ...(row.acknowledged_at === null ? {} : { acknowledgedAt: row.acknowledged_at.toISOString() }),
    ...(row.acknowledged_by === null ? {} : { acknowledgedBy: row.acknowledged_by }),
    ...(row.comment === null ? {} : { comment: row.comment }),
  };
}

export function viewSuspension(row: Selectable<SuspensionRow>, nowMs: number): SuspensionView {
  return {
    id: row.id,
    scope: row.scope_kind === "scenario" ? { scenario: row.scope } : { organisation: row.scope },
    state: suspensionState(row, nowMs),
    reason: row.reason,
    setBy: row.set_by,
    authority: row.authority,
    setAt: row.set_at.toISOString(),
    ...(row.until === null ? {} : { until: row.until.toISOString() }),
    ...(row.alarm === null ? {} : { alarm: row.alarm }),
    ...(row.lifted_at === null ? {} : { liftedAt: row.lifted_at.toISOString() }),
    ...(row.lifted_by === null ? {} : { liftedBy: row.lifted_by }),
    ...(row.lift_reason === null ? {} : { liftReason: row.lift_reason }),
  };
}

function suspensionState(
  { lifted_at: liftedAt, lifted_by: liftedBy, until }: Selectable<SuspensionRow>,
  nowMs: number,
): SuspensionView["state"] {
  if (liftedBy !== null) return "lifted";
  if (liftedAt !== null || (until !== null && until.getTime() <= nowMs)) return "ended";
  return "in_force";
}
