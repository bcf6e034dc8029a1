import { heartbeatIngest, reportIngestProgress } from "#catalogue/index.ts";
import { heartbeatJob } from "#jobs/index.ts";
import { LEASE_MS } from "./offer-work.ts";
import type { Deployment } from "./deployment.ts";

/** A lease is a job's or an ingest's; one that neither knows was taken away. */
export async function heartbeat({ db, clock }: Deployment, lease: string): Promise<{ cancel: boolean }> {
  const nowMs = clock.nowMs();
  const job = await heartbeatJob(db, lease, new Date(nowMs + LEASE_MS));
  return job ?? heartbeatIngest(db, { lease, leaseMs: LEASE_MS, nowMs });
}

export async function noteIngestProgress({ db }: Deployment, lease: string, rows: number): Promise<void> {
  await reportIngestProgress(db, { lease, rows });
}
