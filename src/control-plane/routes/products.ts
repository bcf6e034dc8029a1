import { type Static, Type } from "typebox";
import { withAudit } from "#audit/index.ts";
import {
  checkSource,
  getProduct,
  listProducts,
  publishProduct,
  requireSpec,
  withdrawVersion,
} from "#catalogue/index.ts";
import { Name, Page, PageQuery } from "#contract/common.ts";
import { ProductSpec, ProductView } from "#contract/product.ts";
import { parseCursor } from "#kernel/page.ts";
import { auditorOf, createIdempotently } from "../idempotency.ts";
import { problemResponses } from "../problem-responses.ts";
import { type App, principalOf } from "../route.ts";
import type { Deployment } from "../deployment.ts";

const Params = Type.Object({ id: Name });
const VersionParams = Type.Object({ id: Name, version: Type.String({ pattern: "^pv_[0-9a-z]{26}$" }) });
const Withdrawal = Type.Object(
  { reason: Type.String({ minLength: 1, maxLength: 2000 }) },
  { additionalProperties: false },
);
const tags = ["products"];
const readers = ["developer", "operator", "reviewer", "security", "audit", "implementing_body", "provider"] as const;

export function productRoutes(app: App, deployment: Deployment): void {
  readRoutes(app, deployment);
  publishRoute(app, deployment);
  withdrawRoute(app, deployment);
}

function readRoutes(app: App, { db }: Deployment): void {
  const config = { access: { roles: readers, audit: "read" } };
  app.get(
    "/v1/products",
    {
      config,
      schema: {
        operationId: "listProducts",
        summary: "Data products by name; a developer sees those of the own scenarios, with rounded statistics",
        tags,
        querystring: PageQuery,
        response: { 200: Page(ProductView), ...problemResponses() },
      },
    },
    async (request) => {
      const { limit = 50, cursor } = request.query;
      return listProducts(db, principalOf(request), { limit, after: parseCursor(cursor) });
    },
  );
  app.get(
    "/v1/products/:id",
    {
      config,
      schema: {
        operationId: "getProduct",
        summary: "One data product",
        tags,
        params: Params,
        response: { 200: ProductView, ...problemResponses(404) },
      },
    },
    async (request) => getProduct(db, request.params.id, principalOf(request)),
  );
}

function publishRoute(app: App, deployment: Deployment): void {
  app.post(
    "/v1/products",
    {
      config: { access: { roles: ["operator"], audit: "product_version.created" } },
      schema: {
        operationId: "publishProduct",
        summary: "Publish a version of a data product; a runner makes it from its source",
        description: "A database table is read again each time; a file only when it or the declaration changed.",
        tags,
        body: ProductSpec,
        response: { 202: ProductView, ...problemResponses(403, 409, 413, 415, 422, 501) },
      },
    },
    async (request, reply) => {
      const spec = request.body;
      requireSpec(spec);
      const source = await checkSource(spec.source, deployment.config.sourceRoots);
      const answer = await createIdempotently(deployment, { request, reply }, async (context) => {
        await publishProduct(context, { spec, source, refresh: true });
        const body = await getProduct(context.tx, spec.id, principalOf(request));
        return { status: 202, body, location: `/v1/products/${spec.id}` };
      });
      deployment.signal.work("ingests");
      return reply
        .code(202)
        .header("location", answer.location)
        .send(answer.body as Static<typeof ProductView>);
    },
  );
}

function withdrawRoute(app: App, deployment: Deployment): void {
  app.post(
    "/v1/products/:id/versions/:version/withdraw",
    {
      config: { access: { roles: ["operator"], audit: "product_version.withdrawn" } },
      schema: {
        operationId: "withdrawProductVersion",
        summary: "Take a published version out of use; no older version takes its place",
        tags,
        params: VersionParams,
        body: Withdrawal,
        response: { 200: ProductView, ...problemResponses(404, 409) },
      },
    },
    async (request) => {
      const { id: product, version } = request.params;
      return withAudit(deployment.db, auditorOf(request, deployment), async (context) => {
        await withdrawVersion(context, { product, version, reason: request.body.reason });
        return getProduct(context.tx, product, principalOf(request));
      });
    },
  );
}
