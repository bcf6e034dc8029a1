import { listOrganisations } from "#authority/index.ts";
import { Page, PageQuery } from "#contract/common.ts";
import { Organisation } from "#contract/organisation.ts";
import { parseCursor } from "#kernel/page.ts";
import { problemResponses } from "../problem-responses.ts";
import { type App, principalOf } from "../route.ts";
import type { Deployment } from "../deployment.ts";

export function organisationRoutes(app: App, { db }: Deployment): void {
  app.get(
    "/v1/organisations",
    {
      config: {
        access: {
          roles: ["developer", "operator", "reviewer", "security", "audit", "implementing_body", "provider"],
          audit: "read",
        },
      },
      schema: {
        operationId: "listOrganisations",
        summary: "Organisations of the data space; developers and providers see their own",
        tags: ["organisations"],
        querystring: PageQuery,
        response: { 200: Page(Organisation), ...problemResponses() },
      },
    },
    async (request) => {
      const { limit = 50, cursor } = request.query;
      return listOrganisations(db, principalOf(request), { limit, after: parseCursor(cursor) });
    },
  );
}
