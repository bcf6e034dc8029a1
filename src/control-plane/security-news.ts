import { type AuditContext, record, withAudit } from "#audit/index.ts";
import { type EventDraft, jobEnds, noteEvents } from "#security/index.ts";
import type { Deployment } from "./deployment.ts";

/** Tells of events whose transaction has been committed: metrics, tails, and those who wait for a job that ended. */
export function tellEvents(
  { metrics, signal }: Pick<Deployment, "metrics" | "signal">,
  events: readonly EventDraft[],
): void {
  if (events.length === 0) return;
  for (const event of events) {
    metrics.securityEvent(event.kind);
    if (event.kind !== "job.ended" || event.job === undefined) continue;
    const at = new Date(event.atMs).toISOString();
    signal.job(event.job, { type: "state", state: event.details.state, at });
  }
  signal.security();
}

/** Writes events that belong to no other change, with an audit entry of their own. */
export async function noteAlone(
  deployment: Deployment,
  by: Omit<AuditContext, "tx">,
  { drafts, entry }: { drafts: readonly EventDraft[]; entry: (context: AuditContext) => Promise<unknown> },
): Promise<void> {
  const events = await withAudit(deployment.db, by, async (context) => {
    await entry(context);
    return noteEvents(context, deployment.bundle.security, drafts);
  });
  tellEvents(deployment, events);
}

/** What is new about a runner: that it is there, and how it confines. Nothing is written for one that is known. */
export async function noteRunner(
  deployment: Deployment,
  { runner, confinement }: { runner: string; confinement?: string | undefined },
): Promise<void> {
  const drafts = deployment.runners.learn(runner, confinement, deployment.clock.nowMs());
  if (drafts.length === 0) return;
  const by = { actor: { kind: "runner" as const, id: runner }, clock: deployment.clock };
  const seen = { action: "runner.seen", subject: { kind: "runner", id: runner } };
  const detail = { confinement: confinement ?? null };
  await noteAlone(deployment, by, { drafts, entry: async (context) => record(context, { ...seen, detail }) });
}

/** Ends of jobs that no runner reports. */
export async function noteEnds(
  { bundle }: Pick<Deployment, "bundle">,
  context: AuditContext,
  ids: readonly string[],
): Promise<EventDraft[]> {
  const ends = await jobEnds(context.tx, ids);
  return noteEvents(context, bundle.security, ends);
}
