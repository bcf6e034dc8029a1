import { record, withAudit } from "#audit/index.ts";
import { expireScenarios } from "#authority/index.ts";
import { requeueLostIngests } from "#catalogue/index.ts";
import { requeueLostJobs } from "#jobs/index.ts";
import { endSuspensions, noteEvents, purgeEvents } from "#security/index.ts";
import { inTransaction, purgeIdempotencyKeys } from "#persistence/index.ts";
import type { Deployment } from "./deployment.ts";
import { noteAlone, noteEnds, tellEvents } from "./security-news.ts";

const EVERY_MS = 5_000;
const actor = { kind: "system" as const, id: "chores" };

/**
 * What has to be looked after without a caller: leases of silent runners, suspensions whose time is over, refused
 * requests that wait to be written down, what was kept long enough. Returns how to stop it.
 */
export function startChores(deployment: Deployment): () => Promise<void> {
  let running = Promise.resolve();
  const timer = setInterval(() => {
    running = runChores(deployment).catch((error: unknown) => deployment.log.error({ err: error }, "chores failed"));
  }, EVERY_MS);
  return async () => {
    clearInterval(timer);
    await running;
    await noteRefusals(deployment);
  };
}

async function runChores(deployment: Deployment): Promise<void> {
  const { db, clock, signal, log } = deployment;
  const lost = await sweepLostJobs(deployment);
  const ingests = await withAudit(db, { actor, clock }, async (context) => requeueLostIngests(context));
  if (lost.requeued.length + lost.failed.length + ingests.requeued + ingests.failed > 0) {
    log.warn({ jobs: lost, ingests }, "leases were lost");
  }
  if (lost.requeued.length > 0) signal.work("jobs");
  if (ingests.requeued > 0) signal.work("ingests");
  await withAudit(db, { actor, clock }, async (context) => expireScenarios(context));
  tellEvents(deployment, await withAudit(db, { actor, clock }, async (context) => endSuspensions(context)));
  await noteRefusals(deployment);
  await purgeSecurityLog(deployment);
  await inTransaction(db, async (tx) => purgeIdempotencyKeys(tx, clock.nowMs()));
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

async function noteRefusals(deployment: Deployment): Promise<void> {
  const drafts = deployment.refusals.take(deployment.clock.nowMs());
  if (drafts.length === 0) return;
  const by = { actor, clock: deployment.clock };
  const told = { action: "access.refused", subject: { kind: "access", id: "requests" }, outcome: "denied" as const };
  await noteAlone(deployment, by, {
    drafts,
    entry: async (context) => record(context, { ...told, detail: { events: drafts.length } }),
  });
}

const PURGE_EVERY_MS = 3_600_000;
const lastPurges = new WeakMap<Deployment, number>();

/** Once an hour, as many batches as it takes. */
async function purgeSecurityLog(deployment: Deployment): Promise<void> {
  const { db, clock, config } = deployment;
  const nowMs = clock.nowMs();
  if (nowMs - (lastPurges.get(deployment) ?? 0) < PURGE_EVERY_MS) return;
  lastPurges.set(deployment, nowMs);
  const purge = async () =>
    withAudit(db, { actor, clock }, async (context) => purgeEvents(context, config.securityLogDays));
  while (await purge());
}
