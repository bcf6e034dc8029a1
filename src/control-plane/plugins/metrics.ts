import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { App } from "../route.ts";
import type { Services } from "../services.ts";

/** Prometheus text at `/metrics`: requests, jobs by state, the audit log's length. Values carry no identifiers. */
export function serveMetrics(app: App, services: Services): void {
  const register = new Registry();
  collectDefaultMetrics({ register, prefix: "sluice_" });
  const seconds = new Histogram({
    name: "sluice_http_request_seconds",
    help: "Time to answer a request, by route and status",
    labelNames: ["method", "route", "status"] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [register],
  });
  const refused = new Counter({
    name: "sluice_http_refused_total",
    help: "Requests answered with a problem, by status",
    labelNames: ["status"] as const,
    registers: [register],
  });
  registerGauges(register, services);
  app.addHook("onResponse", async (request, reply) => {
    const labels = { method: request.method, route: request.routeOptions.url ?? "none", status: String(reply.statusCode) };
    seconds.observe(labels, reply.elapsedTime / 1000);
    if (reply.statusCode >= 400) refused.inc({ status: labels.status });
  });
  app.get(
    "/metrics",
    { config: { access: { roles: "open", audit: "read" } }, logLevel: "warn" },
    async (_request, reply) => reply.type(register.contentType).send(await register.metrics()),
  );
}

function registerGauges(register: Registry, { db }: Services): void {
  const jobs = new Gauge({
    name: "sluice_jobs",
    help: "Jobs by state",
    labelNames: ["state"] as const,
    registers: [register],
    collect: async () => {
      const rows = await db
        .selectFrom("jobs")
        .select(["state", ({ fn }) => fn.countAll<number>().as("count")])
        .groupBy("state")
        .execute();
      jobs.reset();
      for (const row of rows) jobs.set({ state: row.state }, Number(row.count));
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
