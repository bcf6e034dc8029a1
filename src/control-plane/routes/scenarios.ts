import { type Static, Type } from "typebox";
import { getScenario, listScenarios, proposeScenario } from "#authority/index.ts";
import { Name, OneOf, Page, PageQuery } from "#contract/common.ts";
import { SCENARIO_STATES, ScenarioSpec, ScenarioView } from "#contract/scenario.ts";
import { parseCursor } from "#kernel/page.ts";
import { createIdempotently } from "../idempotency.ts";
import { problemResponses } from "../problem-responses.ts";
import { type App, principalOf } from "../route.ts";
import type { Deployment } from "../deployment.ts";
import { scenarioStepRoutes } from "./scenario-steps.ts";

const Params = Type.Object({ id: Name });
const Query = Type.Object(
  { ...PageQuery.properties, state: Type.Optional(OneOf(SCENARIO_STATES)) },
  { additionalProperties: false },
);
const tags = ["scenarios"];
const readers = ["developer", "operator", "reviewer", "security", "audit", "implementing_body", "provider"] as const;

export function scenarioRoutes(app: App, deployment: Deployment): void {
  readRoutes(app, deployment);
  proposeRoute(app, deployment);
  scenarioStepRoutes(app, deployment);
}

function readRoutes(app: App, { db }: Deployment): void {
  const config = { access: { roles: readers, audit: "read" } };
  app.get(
    "/v1/scenarios",
    {
      config,
      schema: {
        operationId: "listScenarios",
        summary: "Scenarios by name; developers see their own, data providers those that use a product of theirs",
        tags,
        querystring: Query,
        response: { 200: Page(ScenarioView), ...problemResponses() },
      },
    },
    async (request) => {
      const { limit = 50, cursor, state } = request.query;
      return listScenarios(db, principalOf(request), { limit, after: parseCursor(cursor), state });
    },
  );
  app.get(
    "/v1/scenarios/:id",
    {
      config,
      schema: {
        operationId: "getScenario",
        summary: "One scenario",
        tags,
        params: Params,
        response: { 200: ScenarioView, ...problemResponses(404) },
      },
    },
    async (request) => getScenario(db, request.params.id, principalOf(request)),
  );
}

function proposeRoute(app: App, deployment: Deployment): void {
  app.post(
    "/v1/scenarios",
    {
      config: { access: { roles: ["operator"], audit: "scenario.proposed" } },
      schema: {
        operationId: "proposeScenario",
        summary: "Put a scenario forward under the operator's head agreement",
        tags,
        body: ScenarioSpec,
        response: { 201: ScenarioView, ...problemResponses(403, 409, 413, 415, 422) },
      },
    },
    async (request, reply) => {
      const spec = request.body;
      const answer = await createIdempotently(deployment, { request, reply }, async (context) => {
        await proposeScenario(context, { spec });
        const body = await getScenario(context.tx, spec.id, principalOf(request));
        return { status: 201, body, location: `/v1/scenarios/${spec.id}` };
      });
      return reply
        .code(201)
        .header("location", answer.location)
        .send(answer.body as Static<typeof ScenarioView>);
    },
  );
}
