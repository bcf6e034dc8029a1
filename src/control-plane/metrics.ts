import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Database } from "#persistence/index.ts";

/** What is measured while it runs. Values carry no identifier of a person, organisation or job. */
export interface Metrics {
  readonly register: Registry;
  /** One answered request. */
  request(labels: { method: string; route: string; status: string }, seconds: number): void;
  /** One ended job: milliseconds of each of its stages. */
  job(stages: Readonly<Record<string, number>>): void;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

export function createMetrics(db: Database): Metrics {
  const register = new Registry();
  collectDefaultMetrics({ register, prefix: "sluice_" });
  const requests = new Histogram({
    name: "sluice_http_request_seconds",
    help: "Time to answer a request, by route and status",
    labelNames: ["method", "route", "status"] as const,
    buckets: SECONDS,
    registers: [register],
  });
  const refused = new Counter({
    name: "sluice_http_refused_total",
    help: "Requests answered with a problem, by status",
    labelNames: ["status"] as const,
    registers: [register],
  });
  const stages = new Histogram({
    name: "sluice_job_stage_seconds",
    help: "Time that a job spent in each stage; `wall` is all that its runner did",
    labelNames: ["stage"] as const,
    buckets: SECONDS,
    registers: [register],
  });
  registerGauges(register, db);
  return {
    register,
    request: (labels, seconds) => {
      requests.observe(labels, seconds);
      if (Number(labels.status) >= 400) refused.inc({ status: labels.status });
    },
    job: (times) => {
      for (const [stage, ms] of Object.entries(times)) stages.observe({ stage }, ms / 1000);
    },
  };
}

function registerGauges(register: Registry, db: Database): void {
  const jobs = new Gauge({
    name: "sluice_jobs",
    help: "Jobs by state",
    labelNames: ["state"] as const,
    registers: [register],
    collect: async () => {
      const count = db.selectFrom("jobs").select(["state", ({ fn }) => fn.countAll<number>().as("count")]);
      const rows = await count.groupBy("state").execute();
      jobs.reset();
      for (const row of rows) jobs.set({ state: row.state }, row.count);
    },
  });
  const entries = new Gauge({
    name: "sluice_audit_entries",
    help: "Entries of the audit log",
    registers: [register],
    collect: async () => {
      const head = await db.selectFrom("audit_head").select("seq").executeTakeFirstOrThrow();
      entries.set(head.seq);
    },
  });
}
