import { Type } from "typebox";
import { applySpace, type ProductDeclarations, type WebhookDeclaration } from "#authority/index.ts";
import { type CheckedSource, checkSource, checkSpec, publishProduct } from "#catalogue/index.ts";
import { ApplyRequest, ApplyResult } from "#contract/space.ts";
import { putWebhook } from "#webhooks/index.ts";
import { auditorOf } from "../idempotency.ts";
import { problemResponses } from "../problem-responses.ts";
import type { App } from "../route.ts";
import type { Deployment } from "../deployment.ts";
import { endpointRules } from "./webhooks.ts";

/**
 * The file is taken as it is: `validateSpace` lists all problems at once with their places, the schema of a route
 * would stop at the first.
 */
const LooseApplyRequest = Type.Object(
  {
    space: Type.Unsafe<unknown>({
      description:
        "A space file; see the schema of the command `sluice apply`. Problems are listed in `details.problems`.",
    }),
    development: ApplyRequest.properties.development,
  },
  { additionalProperties: false },
);

export function spaceRoutes(app: App, deployment: Deployment): void {
  const { db, clock, config, bundle } = deployment;
  const products = declarationsOf(deployment);
  app.post(
    "/v1/space/apply",
    {
      config: { access: { roles: ["operator"], audit: "scenario.amended" } },
      schema: {
        operationId: "applySpace",
        summary: "Bring the data space to what a space file declares",
        description:
          "All or nothing, and idempotent. Stops where the implementing body must act (`waiting`); in development " +
          "mode it takes those steps too and the audit log says so.",
        tags: ["space"],
        body: LooseApplyRequest,
        response: { 200: ApplyResult, ...problemResponses(403, 409, 413, 415, 422, 501) },
      },
    },
    async (request) => {
      const { space, development = false } = request.body;
      const { actor, requestId } = auditorOf(request, deployment);
      const profiles = [...bundle.profiles.keys()];
      const putDeclared: WebhookDeclaration = async (context, spec) => putWebhook(context, spec, endpointRules(config));
      const authority = { db, clock, products, profiles, development: config.development, putWebhook: putDeclared };
      const result = await applySpace(authority, { space, development, actor, requestId });
      deployment.signal.work("ingests");
      return result;
    },
  );
}

/** The catalogue's part of an apply. */
function declarationsOf({ config }: Deployment): ProductDeclarations<CheckedSource> {
  return {
    check: checkSpec,
    inspect: async (spec) => checkSource(spec.source, config.sourceRoots),
    publish: async (context, spec, source) => publishProduct(context, { spec, source }),
  };
}
