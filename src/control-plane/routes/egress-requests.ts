import { Type } from "typebox";
import { withAudit, record } from "#audit/index.ts";
import { OneOf, Page, PageQuery } from "#contract/common.ts";
import { EGRESS_STATES, EgressCreate, EgressRequestView, ReviewCreate } from "#contract/egress.ts";
import { getEgressRequest, listEgressRequests, openEgress, reviewRequest, viewEgressRequest } from "#egress/index.ts";
import { getJob, jobOutputs } from "#jobs/index.ts";
import { AppError } from "#kernel/errors.ts";
import { pageOf, parseCursor } from "#kernel/page.ts";
import { contentFormat } from "../content-format.ts";
import { auditorOf, createIdempotently } from "../idempotency.ts";
import { problemResponses } from "../problem-responses.ts";
import { requireReleases } from "../require-releases.ts";
import { renderOutput } from "../render-output.ts";
import { type App, principalOf } from "../route.ts";
import type { Deployment } from "../deployment.ts";
import { ownOrganisation } from "../visibility.ts";

const tags = ["egress"];
const READ_ACCESS = { roles: ["developer", "operator", "reviewer"] as const, audit: "read" };
const Params = Type.Object({ id: Type.String({ maxLength: 64 }) });
const Query = Type.Object(
  { ...PageQuery.properties, state: Type.Optional(OneOf(EGRESS_STATES)) },
  { additionalProperties: false },
);
const ContentQuery = Type.Object(
  {
    output: Type.Optional(Type.String({ maxLength: 64 })),
    rows: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
  },
  { additionalProperties: false },
);
const PREVIEW_ROWS = 200;

export function egressRequestRoutes(app: App, deployment: Deployment): void {
  listRoute(app, deployment);
  getRoute(app, deployment);
  createRoute(app, deployment);
  reviewRoute(app, deployment);
  contentRoute(app, deployment);
}

function listRoute(app: App, deployment: Deployment): void {
  app.get(
    "/v1/egress-requests",
    {
      config: { access: READ_ACCESS },
      schema: {
        operationId: "listEgressRequests",
        summary: "Egress requests, newest first",
        tags,
        querystring: Query,
        response: { 200: Page(EgressRequestView), ...problemResponses() },
      },
    },
    async (request) => {
      const { limit = 50, cursor, state } = request.query;
      const organisation = ownOrganisation(principalOf(request));
      const rows = await listEgressRequests(deployment.db, {
        organisation,
        state,
        limit: limit + 1,
        before: parseCursor(cursor),
      });
      const viewer = organisation === undefined ? "operator" : "owner";
      const { items, ...page } = pageOf(rows, limit);
      return { items: await Promise.all(items.map((row) => viewEgressRequest(deployment.db, row, viewer))), ...page };
    },
  );
}

function getRoute(app: App, deployment: Deployment): void {
  app.get(
    "/v1/egress-requests/:id",
    {
      config: { access: READ_ACCESS },
      schema: {
        operationId: "getEgressRequest",
        summary: "One egress request; reviewers see its evidence",
        tags,
        params: Params,
        response: { 200: EgressRequestView, ...problemResponses(404) },
      },
    },
    async (request) => {
      const principal = principalOf(request);
      const row = await getEgressRequest(deployment.db, request.params.id, ownOrganisation(principal));
      // INVARIANT: evidence is for reviewers, and never of one's own organisation's request
      const isOwn = principal.organisation === row.organisation;
      const viewer = isOwn ? "owner" : principal.roles.includes("reviewer") ? "reviewer" : "operator";
      return viewEgressRequest(deployment.db, row, viewer);
    },
  );
}

function createRoute(app: App, deployment: Deployment): void {
  app.post(
    "/v1/egress-requests",
    {
      config: { access: { roles: ["developer"], audit: "egress.checked" } },
      schema: {
        operationId: "createEgressRequest",
        summary: "Apply for egress of a finished job",
        tags,
        body: EgressCreate,
        response: { 201: EgressRequestView, ...problemResponses(404, 409, 410, 422) },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const { job: jobId, productType, purpose, recipients } = request.body;
      const answer = await createIdempotently(deployment, { request, reply }, async (context) => {
        const job = await getJob(context.tx, jobId, principal.organisation);
        if (job.state !== "succeeded" || !job.facts)
          throw new AppError("invalid_transition", `the job is ${job.state}`);
        await requireReleases(context, job);
        const application = { job, facts: job.facts, applicant: principal.subject, productType, purpose, recipients };
        const opened = await openEgress(context, deployment.bundle, application);
        return { status: 201, body: { id: opened.requestId }, location: `/v1/egress-requests/${opened.requestId}` };
      });
      const { id } = answer.body as { id: string };
      const row = await getEgressRequest(deployment.db, id, principal.organisation);
      return reply
        .code(201)
        .header("location", answer.location)
        .send(await viewEgressRequest(deployment.db, row, "owner"));
    },
  );
}

function reviewRoute(app: App, deployment: Deployment): void {
  app.post(
    "/v1/egress-requests/:id/reviews",
    {
      config: { access: { roles: ["reviewer"], audit: "egress.reviewed" } },
      schema: {
        operationId: "reviewEgressRequest",
        summary: "Approve, reject or return a request",
        tags,
        params: Params,
        body: ReviewCreate,
        response: { 201: EgressRequestView, ...problemResponses(404, 409, 410) },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const { id } = request.params;
      await createIdempotently(deployment, { request, reply }, async (context) => {
        const outcome = await reviewRequest(context, id, {
          principal,
          review: request.body,
          bundle: deployment.bundle,
        });
        return { status: 201, body: outcome };
      });
      const row = await getEgressRequest(deployment.db, id);
      return reply.code(201).send(await viewEgressRequest(deployment.db, row, "reviewer"));
    },
  );
}

/** What is asked for as computed, for a reviewer's eyes only; each view is an audit entry of its own. */
function contentRoute(app: App, deployment: Deployment): void {
  app.get(
    "/v1/egress-requests/:id/content",
    {
      config: { access: { roles: ["reviewer"], audit: "egress.viewed" } },
      schema: {
        operationId: "viewEgressContent",
        summary: "The quarantined result, first rows, for a reviewer",
        tags,
        params: Params,
        querystring: ContentQuery,
        response: { 200: Type.Unknown(), ...problemResponses(404, 406, 410) },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const row = await getEgressRequest(deployment.db, request.params.id);
      if (row.organisation === principal.organisation) throw new AppError("self_review");
      const format = contentFormat(request.headers.accept);
      const outputs = await jobOutputs(deployment.db, row.job);
      const output = outputs.find(({ name }) => name === (request.query.output ?? outputs[0]?.name));
      if (!output) throw new AppError("not_found");
      if (output.discarded_at !== null) throw new AppError("content_discarded");
      await withAudit(deployment.db, auditorOf(request, deployment), async (context) =>
        record(context, {
          action: "egress.viewed",
          subject: { kind: "egress_request", id: row.id },
          detail: { output: output.name, object: output.quarantine_object, format },
        }),
      );
      const { descriptor, quarantine_object: object } = output;
      const shown = { scenario: row.scenario, descriptor, object, notes: [], format };
      return renderOutput(deployment, reply, { ...shown, maxRows: request.query.rows ?? PREVIEW_ROWS });
    },
  );
}
