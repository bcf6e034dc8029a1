import type { Selectable } from "kysely";
import { type AuditContext, record } from "#audit/index.ts";
import { findOrganisation } from "#authority/index.ts";
import type { SuspensionAuthority, SuspensionScope, SuspensionView } from "#contract/security.ts";
import { cancelJobsOf } from "#jobs/index.ts";
import { AppError } from "#kernel/errors.ts";
import { createId } from "#kernel/ids.ts";
import { isUniqueViolation, type SuspensionRow } from "#persistence/index.ts";
import type { EventDraft, EventPlace } from "./event-draft.ts";
import { insertEvents } from "./insert-events.ts";
import { jobEnd } from "./job-story.ts";
import { endSuspensions } from "./lift.ts";
import { viewSuspension } from "./read.ts";

export interface NewSuspension {
  scope: SuspensionScope;
  reason: string;
  /** On whose authority: follows from the caller's role. */
  authority: SuspensionAuthority;
  untilMs?: number | undefined;
}

export interface SetSuspension {
  view: SuspensionView;
  events: EventDraft[];
}

/**
 * Stops a scenario or a developer organisation at once: no new job, no release; what waits or runs is cancelled. In
 * one transaction with its audit entries. Throws `not_found`, `invalid_request` for an end that is over or an
 * organisation that runs no jobs, `conflict` when it is suspended on the same authority already.
 */
export async function setSuspension(context: AuditContext, suspension: NewSuspension): Promise<SetSuspension> {
  const scope = scopeOf(suspension.scope);
  if (suspension.untilMs !== undefined && suspension.untilMs <= context.clock.nowMs()) {
    throw new AppError("invalid_request", "the suspension would be over already");
  }
  const place = await findPlace(context, scope);
  // one that has ended by time and was not swept yet must not stand in the way
  const ended = await endSuspensions(context);
  const { view, events } = await put(context, { ...suspension, scope, place });
  return { view, events: [...ended, ...events] };
}

/** A rule suspends a scenario; what is suspended by rule already stays as it is. */
export async function suspendBySystem(
  context: AuditContext,
  { scenario, alarm, text }: { scenario: string; alarm: string; text: string },
): Promise<EventDraft[]> {
  const known = await context.tx
    .selectFrom("suspensions")
    .select("id")
    .where("scope_kind", "=", "scenario")
    .where("scope", "=", scenario)
    .where("authority", "=", "system")
    .where("lifted_at", "is", null)
    .executeTakeFirst();
  if (known) return [];
  const scope = { kind: "scenario" as const, id: scenario };
  const place = await findPlace(context, scope);
  const { view, events } = await put(context, { scope, place, reason: text, authority: "system", alarm });
  await context.tx.updateTable("security_alarms").set({ suspension: view.id }).where("id", "=", alarm).execute();
  return events;
}

interface Scope {
  kind: "scenario" | "organisation";
  id: string;
}

function scopeOf(scope: SuspensionScope): Scope {
  return "scenario" in scope
    ? { kind: "scenario", id: scope.scenario }
    : { kind: "organisation", id: scope.organisation };
}

/** The scenario's or organisation's place in the log; throws when there is nothing to suspend. */
async function findPlace({ tx }: AuditContext, { kind, id }: Scope): Promise<EventPlace> {
  if (kind === "scenario") {
    const scenario = await tx.selectFrom("scenarios").select("developer").where("id", "=", id).executeTakeFirst();
    if (!scenario) throw new AppError("not_found", "there is no such scenario");
    return { scenario: id, organisation: scenario.developer };
  }
  const organisation = await findOrganisation(tx, id);
  if (!organisation) throw new AppError("not_found", "there is no such organisation");
  if (organisation.kind !== "developer") {
    throw new AppError("invalid_request", "only an organisation that runs jobs can be suspended");
  }
  return { organisation: id };
}

type Put = Omit<NewSuspension, "scope"> & { scope: Scope; place: EventPlace; alarm?: string };

async function put(context: AuditContext, suspension: Put): Promise<SetSuspension> {
  const { scope, place, authority } = suspension;
  const row = await insertSuspension(context, suspension);
  const jobs = await cancelJobsOf(context, scope, { suspension: row.id });
  const cancelled = jobs.ended.length + jobs.asked.length;
  await record(context, {
    action: "suspension.set",
    subject: { kind: "suspension", id: row.id },
    detail: {
      scope: { [scope.kind]: scope.id },
      authority,
      reason: row.reason,
      until: row.until?.toISOString() ?? null,
      alarm: row.alarm,
      jobs: cancelled,
    },
  });
  const until = row.until === null ? {} : { until: row.until.toISOString() };
  const details = { suspension: row.id, scope: scope.kind, by: row.set_by, jobs: cancelled, ...until };
  const set: EventDraft = { ...place, kind: "suspension.set", atMs: row.set_at.getTime(), text: row.reason, details };
  const events = [set, ...jobs.ended.map(jobEnd)];
  await insertEvents(context.tx, events);
  return { view: viewSuspension(row, row.set_at.getTime()), events };
}

async function insertSuspension(context: AuditContext, suspension: Put): Promise<Selectable<SuspensionRow>> {
  const { scope, reason, authority, untilMs, alarm } = suspension;
  const nowMs = context.clock.nowMs();
  return context.tx
    .insertInto("suspensions")
    .values({
      id: createId("suspension", nowMs),
      scope_kind: scope.kind,
      scope: scope.id,
      reason,
      authority,
      set_by: context.actor.id,
      set_at: new Date(nowMs),
      until: untilMs === undefined ? null : new Date(untilMs),
      alarm: alarm ?? null,
      lifted_at: null,
      lifted_by: null,
      lift_reason: null,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
    .catch((error: unknown) => {
      if (isUniqueViolation(error)) throw new AppError("conflict", "it is suspended on this authority already");
      throw error;
    });
}
