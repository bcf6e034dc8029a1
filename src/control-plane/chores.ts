import { record, withAudit } from "#audit/index.ts";
import { expireScenarios } from "#authority/index.ts";
import { requeueLostIngests } from "#catalogue/index.ts";
import { type Chore, createSteadiness, runChores, type Steadiness } from "#chores/index.ts";
import { requeueLostJobs } from "#jobs/index.ts";
import { isAppError } from "#kernel/errors.ts";
import { type EventDraft, endSuspensions, noteEvents } from "#security/index.ts";
import { deliverDue, findDueWebhooks } from "#webhooks/index.ts";
import type { Deployment } from "./deployment.ts";
import { createCheckpointChore } from "./keep-checkpoint.ts";
import { retentionChores } from "./retention.ts";
import { noteAlone, noteEnds, tellEvents } from "./security-news.ts";

const LOOK_EVERY_MS = 500;
const SWEEP_EVERY_MS = 5_000;
const REFUSALS_EVERY_MS = 5_000;
/** Several heartbeats: after a disturbance of time or of the database every live runner is heard again within it. */
const SETTLE_MS = 6_000;
/** Nothing expires in the first minutes: the chain of authority compares the days itself, so nobody gains by it. */
const TRUST_MS = 600_000;
const actor = { kind: "system" as const, id: "chores" };

/**
 * What has to be looked after without a caller: leases of silent runners, what ends by time, retention, deliveries to
 * neighbouring systems, and refused requests that wait to be written down. Returns how to stop it.
 */
export function startChores(deployment: Deployment): () => Promise<void> {
  const { db, clock, log } = deployment;
  const times = { settleMs: SETTLE_MS, trustMs: TRUST_MS };
  const steadiness = createSteadiness(clock, { monotonicMs: () => performance.now(), ...times });
  const onError = (err: unknown, chore: string) => {
    // runners may not have been heard for the same reason
    if (isAppError(err, "database_unavailable")) steadiness.disturb();
    log.error({ err, chore }, "a chore failed");
  };
  const stopChores = runChores({
    db,
    clock,
    chores: choresOf(deployment, steadiness),
    lookEveryMs: LOOK_EVERY_MS,
    onLook: steadiness.tick,
    onError,
  });
  const stopRefusals = startRefusals(deployment);
  return async () => {
    await stopChores();
    await stopRefusals();
  };
}

function choresOf(deployment: Deployment, steadiness: Steadiness): Chore[] {
  const { db, clock, webhooks } = deployment;
  return [
    { name: "sweep", everyMs: SWEEP_EVERY_MS, run: async () => sweep(deployment, steadiness) },
    ...retentionChores(deployment, steadiness),
    createCheckpointChore(deployment),
    {
      name: "webhook",
      everyMs: 1_000,
      find: async () => findDueWebhooks(db),
      run: async (run) => deliverDue({ db, clock, ...webhooks }, run),
    },
  ];
}

/** Leases, agreements and suspensions whose time is over. */
async function sweep(deployment: Deployment, steadiness: Steadiness): Promise<void> {
  const { db, clock } = deployment;
  if (steadiness.isSteady()) await sweepLeases(deployment);
  if (steadiness.isClockTrusted()) await withAudit(db, { actor, clock }, async (context) => expireScenarios(context));
  tellEvents(deployment, await withAudit(db, { actor, clock }, async (context) => endSuspensions(context)));
}

/** Gives back what runners that fell silent held. */
export async function sweepLeases(deployment: Deployment): Promise<void> {
  const { db, clock, signal, log } = deployment;
  const lost = await sweepLostJobs(deployment);
  const ingests = await withAudit(db, { actor, clock }, async (context) => requeueLostIngests(context));
  if (lost.requeued.length + lost.failed.length + ingests.requeued + ingests.failed > 0) {
    log.warn({ jobs: lost, ingests }, "leases were lost");
  }
  if (lost.requeued.length > 0) signal.work("jobs");
  if (ingests.requeued > 0) signal.work("ingests");
}

async function sweepLostJobs(deployment: Deployment): Promise<{ requeued: string[]; failed: string[] }> {
  const { db, clock, bundle } = deployment;
  const { events, requeued, failed } = await withAudit(db, { actor, clock }, async (context) => {
    const { lost, ...swept } = await requeueLostJobs(context);
    const drafts = lost.map((job) => ({
      kind: "runner.lost" as const,
      atMs: clock.nowMs(),
      text: `runner ${job.runner ?? ""} fell silent`,
      details: { requeued: swept.requeued.includes(job.id), attempts: job.attempts },
      job: job.id,
      organisation: job.organisation,
      scenario: job.scenario,
      runner: job.runner ?? undefined,
    }));
    const noted = await noteEvents(context, bundle.security, drafts);
    return { ...swept, events: [...noted, ...(await noteEnds(deployment, context, swept.failed))] };
  });
  tellEvents(deployment, events);
  return { requeued, failed };
}

/** Refused requests are counted in this process, so each process writes down its own. */
function startRefusals(deployment: Deployment): () => Promise<void> {
  const { log } = deployment;
  let running = Promise.resolve();
  /** Taken and not written yet: kept over an outage of the database. */
  let kept: EventDraft[] = [];
  const write = async () => {
    kept = [...kept, ...deployment.refusals.take(deployment.clock.nowMs())].slice(-MAX_KEPT);
    await noteRefusals(deployment, kept);
    kept = [];
  };
  const timer = setInterval(() => {
    running = running
      .then(write)
      .catch((error: unknown) => log.error({ err: error }, "refused requests could not be written down"));
  }, REFUSALS_EVERY_MS);
  return async () => {
    clearInterval(timer);
    await running;
    await write();
  };
}

const MAX_KEPT = 5_000;

async function noteRefusals(deployment: Deployment, drafts: readonly EventDraft[]): Promise<void> {
  if (drafts.length === 0) return;
  const by = { actor, clock: deployment.clock };
  const told = { action: "access.refused", subject: { kind: "access", id: "requests" }, outcome: "denied" as const };
  await noteAlone(deployment, by, {
    drafts,
    entry: async (context) => record(context, { ...told, detail: { events: drafts.length } }),
  });
}
