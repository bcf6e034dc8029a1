import { type Static, Type } from "typebox";
import { decideFiling, type FilingDecision, listFilings } from "#authority/index.ts";
import { Name, OneOf, Page, PageQuery } from "#contract/common.ts";
import { FILING_STATES, FilingView } from "#contract/scenario.ts";
import { parseCursor } from "#kernel/page.ts";
import { createIdempotently } from "../idempotency.ts";
import { problemResponses } from "../problem-responses.ts";
import type { App } from "../route.ts";
import type { Deployment } from "../deployment.ts";
import { allowEmptyBody } from "../empty-body.ts";

const Params = Type.Object({ id: Type.String({ pattern: "^fil_[0-9a-z]{26}$" }) });
const Query = Type.Object(
  {
    ...PageQuery.properties,
    state: Type.Optional(OneOf(FILING_STATES)),
    kind: Type.Optional(OneOf(["agreement", "opinion"])),
    scenario: Type.Optional(Name),
  },
  { additionalProperties: false },
);
const Comment = Type.String({ minLength: 1, maxLength: 4000 });
const AcceptBody = Type.Object({ comment: Type.Optional(Comment) }, { additionalProperties: false });
const ReturnBody = Type.Object({ comment: Comment }, { additionalProperties: false });
const tags = ["filings"];

export function filingRoutes(app: App, deployment: Deployment): void {
  app.get(
    "/v1/filings",
    {
      config: { access: { roles: ["implementing_body", "operator", "reviewer", "audit"], audit: "read" } },
      schema: {
        operationId: "listFilings",
        summary: "Filings (备案) with the implementing body, oldest first",
        tags,
        querystring: Query,
        response: { 200: Page(FilingView), ...problemResponses() },
      },
    },
    async (request) => {
      const { limit = 50, cursor, ...filter } = request.query;
      return listFilings(deployment.db, { limit, after: parseCursor(cursor), ...filter });
    },
  );
  decisionRoutes(app, deployment);
}

function decisionRoutes(app: App, deployment: Deployment): void {
  const response = { 200: FilingView, ...problemResponses(404, 409, 422) };
  app.post(
    "/v1/filings/:id/accept",
    {
      config: { access: { roles: ["implementing_body"], audit: "filing.accepted" } },
      preValidation: allowEmptyBody,
      schema: {
        operationId: "acceptFiling",
        summary: "Take a filing on record; that approves nothing",
        tags,
        params: Params,
        body: AcceptBody,
        response,
      },
    },
    async (request, reply) => {
      const decision = { filing: request.params.id, decision: "accept" as const, comment: request.body.comment };
      return decide(deployment, { request, reply }, decision);
    },
  );
  app.post(
    "/v1/filings/:id/return",
    {
      config: { access: { roles: ["implementing_body"], audit: "filing.returned" } },
      schema: {
        operationId: "returnFiling",
        summary: "Send a filing back to be put right",
        tags,
        params: Params,
        body: ReturnBody,
        response,
      },
    },
    async (request, reply) => {
      const decision = { filing: request.params.id, decision: "return" as const, comment: request.body.comment };
      return decide(deployment, { request, reply }, decision);
    },
  );
}

async function decide(
  deployment: Deployment,
  exchange: Parameters<typeof createIdempotently>[1],
  decision: FilingDecision,
): Promise<Static<typeof FilingView>> {
  const answer = await createIdempotently(deployment, exchange, async (context) => {
    return { status: 200, body: await decideFiling(context, decision) };
  });
  return answer.body as Static<typeof FilingView>;
}
