import { randomUUID, timingSafeEqual } from "node:crypto";
import rateLimit from "@fastify/rate-limit";
import swagger from "@fastify/swagger";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import { fastify, type FastifyBaseLogger, type FastifyServerOptions, type RouteOptions } from "fastify";
import { MAX_FRAME_BYTES } from "#contract/frame.ts";
import { AppError } from "#kernel/errors.ts";
import { handleError, handleNotFound } from "./error-handler.ts";
import { describeApi } from "./openapi.ts";
import { requireAccess } from "./plugins/access.ts";
import { serveMetrics } from "./plugins/metrics.ts";
import { tellRefusals } from "./plugins/refusals.ts";
import type { App } from "./route.ts";
import { auditRoutes } from "./routes/audit.ts";
import { backupRoutes } from "./routes/backups.ts";
import { egressRequestRoutes } from "./routes/egress-requests.ts";
import { filingRoutes } from "./routes/filings.ts";
import { healthRoutes } from "./routes/health.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { organisationRoutes } from "./routes/organisations.ts";
import { policyRoutes } from "./routes/policies.ts";
import { productFileRoute } from "./routes/product-files.ts";
import { productRoutes } from "./routes/products.ts";
import { releaseRoutes } from "./routes/releases.ts";
import { runnerNodeRoutes } from "./routes/runner-nodes.ts";
import { runnerRoutes } from "./routes/runner.ts";
import { runnersRoutes } from "./routes/runners.ts";
import { scenarioRoutes } from "./routes/scenarios.ts";
import { securityActionRoutes } from "./routes/security-actions.ts";
import { securityEventRoutes } from "./routes/security-events.ts";
import { spaceRoutes } from "./routes/space.ts";
import { webhookRoutes } from "./routes/webhooks.ts";
import type { Deployment } from "./deployment.ts";
import { createValidatorCompiler, requireStorable } from "./validation.ts";

export interface AppOptions {
  /** True once the server is shutting down: it finishes what it has and is not ready for more. */
  isStopping(): boolean;
  /** Told of every route as it is added. */
  onRoute?(route: RouteOptions): void;
}

/** The public interface of the control plane, not yet listening. */
export async function buildApp(deployment: Deployment, options: AppOptions): Promise<App> {
  const app = bareApp(deployment, { bodyLimit: deployment.config.bodyLimitBytes });
  await app.register(swagger, describeApi());
  await app.register(rateLimit, {
    max: deployment.config.rateLimit.requestsPerMinute,
    timeWindow: 60_000,
    hook: "preHandler",
    keyGenerator: (request) =>
      request.principal ? `${request.principal.organisation}/${request.principal.subject}` : request.ip,
  });
  requireAccess(app, deployment.authenticator);
  tellRefusals(app, deployment.refusals);
  if (options.onRoute) app.addHook("onRoute", options.onRoute);
  app.setNotFoundHandler(handleNotFound);
  serveMetrics(app, deployment);
  healthRoutes(app, deployment, options.isStopping);
  for (const routes of [securityEventRoutes, securityActionRoutes, runnerNodeRoutes]) routes(app, deployment);
  for (const routes of [jobRoutes, egressRequestRoutes, releaseRoutes, auditRoutes]) routes(app, deployment);
  policyRoutes(app, deployment);
  for (const routes of [spaceRoutes, productRoutes, scenarioRoutes, filingRoutes, organisationRoutes, runnersRoutes]) {
    routes(app, deployment);
  }
  for (const routes of [webhookRoutes, backupRoutes]) routes(app, deployment);
  app.get("/openapi.json", { config: { access: { roles: "open", audit: "read" } } }, async () => app.swagger());
  return app;
}

/** The runners' interface: another listener, never reachable from outside, guarded by a token of this start. */
export function buildRunnerApp(deployment: Deployment, token: string): App {
  const app = bareApp(deployment, { bodyLimit: MAX_FRAME_BYTES + 1024 });
  const expected = Buffer.from(`Bearer ${token}`);
  app.decorateRequest("principal", null);
  app.addHook("onRequest", async (request) => {
    const given = Buffer.from(request.headers.authorization ?? "");
    if (given.byteLength !== expected.byteLength || !timingSafeEqual(given, expected))
      throw new AppError("unauthenticated");
  });
  takeFrames(app);
  app.setNotFoundHandler(handleNotFound);
  runnerRoutes(app, deployment);
  productFileRoute(app, deployment);
  return app;
}

/** Bodies of runners: one frame. */
export function takeFrames(app: App): void {
  app.addContentTypeParser("application/vnd.sluice.frame", { parseAs: "buffer" }, (_request, body, done) =>
    done(null, body),
  );
}

/** An application with what every listener has in common. */
export function bareApp({ log }: Deployment, options: Pick<FastifyServerOptions, "bodyLimit">): App {
  const loggerInstance: FastifyBaseLogger = log;
  const app = fastify({
    ...options,
    loggerInstance,
    genReqId: () => `req_${randomUUID()}`,
    requestIdHeader: false,
    forceCloseConnections: "idle",
    requestTimeout: 120_000,
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.setValidatorCompiler(createValidatorCompiler());
  app.addHook("preValidation", async ({ body, query, params, headers }) => {
    for (const part of [body, query, params, headers["idempotency-key"]]) requireStorable(part);
  });
  app.setErrorHandler(handleError);
  app.removeContentTypeParser("text/plain");
  app.addHook("onSend", async (request, reply) => {
    void reply.header("x-request-id", request.id);
  });
  return app;
}
