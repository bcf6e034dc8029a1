import { heartbeatIngest, reportIngestProgress } from "#catalogue/index.ts";
import { heartbeatJob } from "#jobs/index.ts";
import type { Deployment } from "./deployment.ts";

/** A lease is a job's or an ingest's; one that neither knows was taken away. */
export async function heartbeat({ db, clock, config }: Deployment, lease: string): Promise<{ cancel: boolean }> {
  const nowMs = clock.nowMs();
  const { leaseMs } = config;
  const job = await heartbeatJob(db, lease, new Date(nowMs + leaseMs));
  return job ?? heartbeatIngest(db, { lease, leaseMs, nowMs });
}

export async function noteIngestProgress({ db }: Deployment, lease: string, rows: number): Promise<void> {
  await reportIngestProgress(db, { lease, rows });
}
