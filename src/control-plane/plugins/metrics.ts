import type { App } from "../route.ts";
import type { Deployment } from "../deployment.ts";

/** Prometheus text at `/metrics`, and the times of all requests in it. */
export function serveMetrics(app: App, { metrics }: Pick<Deployment, "metrics">): void {
  app.addHook("onResponse", async (request, reply) => {
    const route = request.routeOptions.url ?? "none";
    metrics.request({ method: request.method, route, status: String(reply.statusCode) }, reply.elapsedTime / 1000);
  });
  app.get(
    "/metrics",
    { config: { access: { roles: "open", audit: "read" } }, logLevel: "warn" },
    async (_request, reply) => reply.type(metrics.register.contentType).send(await metrics.register.metrics()),
  );
}
