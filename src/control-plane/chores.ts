import { withAudit } from "#audit/index.ts";
import { expireScenarios } from "#authority/index.ts";
import { requeueLostIngests } from "#catalogue/index.ts";
import { requeueLostJobs } from "#jobs/index.ts";
import { inTransaction, purgeIdempotencyKeys } from "#persistence/index.ts";
import type { Deployment } from "./deployment.ts";

const EVERY_MS = 5_000;
const actor = { kind: "system" as const, id: "chores" };

/** What has to be looked after without a caller: leases of silent runners, old idempotency keys. Returns how to stop it. */
export function startChores(deployment: Deployment): () => Promise<void> {
  let running = Promise.resolve();
  const timer = setInterval(() => {
    running = runChores(deployment).catch((error: unknown) => deployment.log.error({ err: error }, "chores failed"));
  }, EVERY_MS);
  return async () => {
    clearInterval(timer);
    await running;
  };
}

async function runChores({ db, clock, signal, log }: Deployment): Promise<void> {
  const lost = await withAudit(db, { actor, clock }, async (context) => requeueLostJobs(context));
  for (const job of lost.failed)
    signal.job(job, { type: "state", state: "failed", at: new Date(clock.nowMs()).toISOString() });
  const ingests = await withAudit(db, { actor, clock }, async (context) => requeueLostIngests(context));
  if (lost.requeued.length + lost.failed.length + ingests.requeued + ingests.failed > 0) {
    log.warn({ jobs: lost, ingests }, "leases were lost");
  }
  if (lost.requeued.length + ingests.requeued > 0) signal.work();
  await withAudit(db, { actor, clock }, async (context) => expireScenarios(context));
  await inTransaction(db, async (tx) => purgeIdempotencyKeys(tx, clock.nowMs()));
}
