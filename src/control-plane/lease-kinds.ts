import { heartbeatIngest, reportIngestProgress } from "#catalogue/index.ts";
import { heartbeatJob } from "#jobs/index.ts";
import { LEASE_MS } from "./offer-work.ts";
import type { Services } from "./services.ts";

/** A lease is a job's or an ingest's; one that neither knows was taken away. */
export async function heartbeat({ db, clock }: Services, lease: string): Promise<{ cancel: boolean }> {
  const nowMs = clock.nowMs();
  const job = await heartbeatJob(db, lease, new Date(nowMs + LEASE_MS));
  return job ?? heartbeatIngest(db, { lease, leaseMs: LEASE_MS, nowMs });
}

export async function noteIngestProgress({ db }: Services, lease: string, rows: number): Promise<void> {
  await reportIngestProgress(db, { lease, rows });
}
