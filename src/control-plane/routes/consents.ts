import { type Static, Type } from "typebox";
import { getScenario } from "#authority/index.ts";
import { decideConsent, listConsents } from "#consent/index.ts";
import { Name } from "#contract/common.ts";
import { ConsentCreate, ConsentView } from "#contract/consent.ts";
import { createIdempotently } from "../idempotency.ts";
import { problemResponses } from "../problem-responses.ts";
import { type App, principalOf } from "../route.ts";
import type { Deployment } from "../deployment.ts";

const tags = ["scenarios"];
const Params = Type.Object({ id: Name });
const Consents = Type.Object({ items: Type.Array(ConsentView) });

/** What data providers say to linking their products with those of others (R29). */
export function consentRoutes(app: App, deployment: Deployment): void {
  listRoute(app, deployment);
  decideRoute(app, deployment);
}

function listRoute(app: App, { db }: Deployment): void {
  const roles = ["operator", "reviewer", "audit", "implementing_body", "provider"] as const;
  app.get(
    "/v1/scenarios/:id/consents",
    {
      config: { access: { roles, audit: "read" } },
      schema: {
        operationId: "listConsents",
        summary: "Which data providers consent to linking their products under a scenario",
        tags,
        params: Params,
        response: { 200: Consents, ...problemResponses(404) },
      },
    },
    async (request) => {
      // who may not see the scenario may not see this
      await getScenario(db, request.params.id, principalOf(request));
      return { items: await listConsents(db, request.params.id) };
    },
  );
}

function decideRoute(app: App, deployment: Deployment): void {
  app.post(
    "/v1/scenarios/:id/consents",
    {
      config: { access: { roles: ["provider"], audit: "consent.given" } },
      schema: {
        operationId: "decideConsent",
        summary: "Give or withdraw the own organisation's consent; it covers the products and joins of today",
        tags,
        params: Params,
        body: ConsentCreate,
        response: { 200: Consents, ...problemResponses(404, 409, 422) },
      },
    },
    async (request, reply) => {
      const { id: scenario } = request.params;
      const { organisation: provider } = principalOf(request);
      const answer = await createIdempotently(deployment, { request, reply }, async (context) => {
        await decideConsent(context, { scenario, provider, ...request.body });
        return { status: 200, body: { items: await listConsents(context.tx, scenario) } };
      });
      return answer.body as Static<typeof Consents>;
    },
  );
}
