import { readFileSync } from "node:fs";
import rateLimit from "@fastify/rate-limit";
import type { RouteOptions } from "fastify";
import { MAX_FRAME_BYTES } from "#contract/frame.ts";
import type { LeaseRequest } from "#contract/runner.ts";
import type { RunnerAuthenticator } from "#identity/index.ts";
import { AppError } from "#kernel/errors.ts";
import { requireOwnLease } from "#nodes/index.ts";
import { bareApp, takeFrames } from "./app.ts";
import type { Deployment } from "./deployment.ts";
import { handleNotFound } from "./error-handler.ts";
import { bearerToken } from "./plugins/access.ts";
import { tellRefusals } from "./plugins/refusals.ts";
import type { App } from "./route.ts";
import { enrolmentRoute } from "./routes/enrolment.ts";
import { productFileRoute } from "./routes/product-files.ts";
import { runnerRoutes } from "./routes/runner.ts";

export interface NodeAppOptions {
  authenticator: RunnerAuthenticator;
  /** Names the deployment in tokens. */
  audience: string;
  onRoute?(route: RouteOptions): void;
}

/** Of one address: several nodes with some hundred jobs a second stay below. */
const REQUESTS_PER_MINUTE = 60_000;

/**
 * The interface for runner nodes of other machines: a listener of its own. Every request but the enrolment carries a
 * token that the node signed for it. INVARIANT: a node is given jobs only, and is answered for its own leases only.
 */
export async function buildNodeApp(deployment: Deployment, options: NodeAppOptions): Promise<App> {
  const tls = deployment.config.nodes?.tls;
  const https = tls && {
    cert: readFileSync(tls.certificate),
    key: readFileSync(tls.key),
    minVersion: "TLSv1.3" as const,
  };
  const app = bareApp(deployment, { bodyLimit: MAX_FRAME_BYTES + 1024, ...(https ? { https } : {}) });
  // before any signature is looked at: an address that floods the listener costs nothing more
  await app.register(rateLimit, { max: REQUESTS_PER_MINUTE, timeWindow: 60_000, hook: "onRequest" });
  if (options.onRoute) app.addHook("onRoute", options.onRoute);
  app.decorateRequest("principal", null);
  app.decorateRequest("node", null);
  tellRefusals(app, deployment.refusals);
  requireNode(app, deployment, options.authenticator);
  takeFrames(app);
  app.setNotFoundHandler(handleNotFound);
  enrolmentRoute(app, deployment, options);
  runnerRoutes(app, deployment);
  productFileRoute(app, deployment);
  return app;
}

function requireNode(app: App, { db }: Deployment, authenticator: RunnerAuthenticator): void {
  app.addHook("onRequest", async (request) => {
    if (request.is404 || request.routeOptions.config.access?.enrolment) return;
    const [path = ""] = request.url.split("?");
    request.node = await authenticator.authenticate(bearerToken(request), { method: request.method, path });
  });
  app.addHook("preHandler", async (request) => {
    const { node, body, params } = request;
    if (node === null) return;
    if (isLeaseRequest(body) && (body.runner !== node || body.kind !== "jobs")) throw new AppError("forbidden");
    const { lease } = params as { lease?: string };
    if (lease !== undefined) await requireOwnLease(db, node, lease);
  });
}

function isLeaseRequest(body: unknown): body is LeaseRequest {
  return typeof body === "object" && body !== null && "runner" in body;
}

declare module "fastify" {
  interface FastifyRequest {
    /** The runner node that sent it. */
    node: string | null;
  }
}
