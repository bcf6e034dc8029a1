import { Type } from "typebox";
import { DigestText } from "#contract/common.ts";
import { PolicyBundleSummary, PolicyBundleText, PolicyRecord } from "#contract/policy.ts";
import { getPolicyBundle, listPolicyBundles, policyRecord } from "#decisions/index.ts";
import { getEgressRequest } from "#egress/index.ts";
import { AppError } from "#kernel/errors.ts";
import { problemResponses } from "../problem-responses.ts";
import { type App, principalOf } from "../route.ts";
import type { Deployment } from "../deployment.ts";

const tags = ["policies"];
const access = { roles: ["operator", "reviewer", "audit", "implementing_body"] as const, audit: "read" };

/** Which policies decided, in their own text, and what they said about a request. */
export function policyRoutes(app: App, deployment: Deployment): void {
  bundleRoutes(app, deployment);
  recordRoute(app, deployment);
}

function bundleRoutes(app: App, { db, bundle }: Deployment): void {
  app.get(
    "/v1/policies",
    {
      config: { access },
      schema: {
        operationId: "listPolicyBundles",
        summary: "The policy bundles that decided, the newest first",
        tags,
        response: { 200: Type.Object({ items: Type.Array(PolicyBundleSummary) }), ...problemResponses() },
      },
    },
    async () => ({ items: await listPolicyBundles(db, bundle.digest) }),
  );
  app.get(
    "/v1/policies/:digest",
    {
      config: { access },
      schema: {
        operationId: "getPolicyBundle",
        summary: "One policy bundle with the text of its files",
        tags,
        params: Type.Object({ digest: DigestText }),
        response: { 200: PolicyBundleText, ...problemResponses(404) },
      },
    },
    async (request) => getPolicyBundle(db, request.params.digest, bundle.digest),
  );
}

function recordRoute(app: App, { db }: Deployment): void {
  app.get(
    "/v1/egress-requests/:id/decisions",
    {
      config: { access: { roles: ["reviewer", "audit", "implementing_body"], audit: "read" } },
      schema: {
        operationId: "getEgressDecisions",
        summary: "What the policies were asked about a request and what they said, with the facts",
        tags,
        params: Type.Object({ id: Type.String({ maxLength: 64 }) }),
        response: { 200: PolicyRecord, ...problemResponses(404) },
      },
    },
    async (request) => {
      const row = await getEgressRequest(db, request.params.id);
      // INVARIANT: facts hold numbers that the applicant must not learn
      if (principalOf(request).organisation === row.organisation) throw new AppError("not_found");
      return policyRecord(db, row);
    },
  );
}
