import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { SecurityEventKind } from "#contract/security.ts";
import type { Database } from "#persistence/index.ts";

/** What is measured while it runs. Values carry no identifier of a person, organisation or job. */
export interface Metrics {
  readonly register: Registry;
  /** One answered request. */
  request(labels: { method: string; route: string; status: string }, seconds: number): void;
  /** One ended job: milliseconds of each of its stages. */
  job(stages: Readonly<Record<string, number>>): void;
  /** One event of the security log. */
  securityEvent(kind: SecurityEventKind): void;
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
  const stages = stageHistogram(register);
  const events = new Counter({
    name: "sluice_security_events_total",
    help: "Events of the security log, by kind",
    labelNames: ["kind"] as const,
    registers: [register],
  });
  registerGauges(register, db);
  registerSecurityGauges(register, db);
  registerChoreGauges(register, db);
  return {
    register,
    request: (labels, seconds) => {
      requests.observe(labels, seconds);
      if (Number(labels.status) >= 400) refused.inc({ status: labels.status });
    },
    securityEvent: (kind) => events.inc({ kind }),
    job: (times) => {
      for (const [stage, ms] of Object.entries(times)) stages.observe({ stage }, ms / 1000);
    },
  };
}

function stageHistogram(register: Registry): Histogram<"stage"> {
  return new Histogram({
    name: "sluice_job_stage_seconds",
    help: "Time that a job spent in each stage; `wall` is all that its runner did",
    labelNames: ["stage"] as const,
    buckets: SECONDS,
    registers: [register],
  });
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

function registerSecurityGauges(register: Registry, db: Database): void {
  const alarms = new Gauge({
    name: "sluice_security_alarms_open",
    help: "Alarms that nobody acknowledged, by rule",
    labelNames: ["rule"] as const,
    registers: [register],
    collect: async () => {
      const open = db.selectFrom("security_alarms").where("state", "=", "open").groupBy("rule");
      const rows = await open.select(["rule", ({ fn }) => fn.countAll<number>().as("count")]).execute();
      alarms.reset();
      for (const row of rows) alarms.set({ rule: row.rule }, row.count);
    },
  });
  const suspensions = new Gauge({
    name: "sluice_suspensions",
    help: "Suspensions that nobody lifted, by what they stop",
    labelNames: ["scope"] as const,
    registers: [register],
    collect: async () => {
      const inForce = db.selectFrom("suspensions").where("lifted_at", "is", null).groupBy("scope_kind");
      const rows = await inForce.select(["scope_kind", ({ fn }) => fn.countAll<number>().as("count")]).execute();
      suspensions.reset();
      for (const row of rows) suspensions.set({ scope: row.scope_kind }, row.count);
    },
  });
}

function registerChoreGauges(register: Registry, db: Database): void {
  const failures = new Gauge({
    name: "sluice_chore_failures",
    help: "Failures in a row of background chores, webhooks together",
    labelNames: ["chore"] as const,
    registers: [register],
    collect: async () => {
      const rows = await db.selectFrom("chores").select(["name", "failures"]).execute();
      failures.reset();
      for (const { name, failures: count } of rows)
        failures.inc({ chore: name.startsWith("webhook.") ? "webhook" : name }, count);
    },
  });
  const deliveries = new Gauge({
    name: "sluice_webhook_deliveries",
    help: "Deliveries that wait for another attempt, or were given up",
    labelNames: ["state"] as const,
    registers: [register],
    collect: async () => {
      const open = db.selectFrom("webhook_deliveries").where("state", "<>", "delivered").groupBy("state");
      const rows = await open.select(["state", ({ fn }) => fn.countAll<number>().as("count")]).execute();
      deliveries.reset();
      for (const row of rows) deliveries.set({ state: row.state }, row.count);
    },
  });
}
