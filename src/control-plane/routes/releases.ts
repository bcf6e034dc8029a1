import { Type } from "typebox";
import { record, withAudit } from "#audit/index.ts";
import { Name, Page, PageQuery } from "#contract/common.ts";
import { ReleaseView } from "#contract/release.ts";
import { getRelease, listReleases, releaseOutputs, revokeRelease, viewRelease } from "#egress/index.ts";
import { AppError } from "#kernel/errors.ts";
import { pageOf, parseCursor } from "#kernel/page.ts";
import { contentFormat } from "../content-format.ts";
import { auditorOf } from "../idempotency.ts";
import { acceptedLanguage, notesIn } from "../language.ts";
import { problemResponses } from "../problem-responses.ts";
import { renderOutput } from "../render-output.ts";
import { requireUnsuspended } from "../require-unsuspended.ts";
import { type App, principalOf } from "../route.ts";
import type { Deployment } from "../deployment.ts";
import { ownOrganisation } from "../visibility.ts";

const tags = ["releases"];
const READ_ACCESS = { roles: ["developer", "operator", "reviewer", "security"] as const, audit: "read" };
const Params = Type.Object({ id: Type.String({ maxLength: 64 }) });
const Query = Type.Object({ ...PageQuery.properties, scenario: Type.Optional(Name) }, { additionalProperties: false });
const ContentQuery = Type.Object(
  { output: Type.Optional(Type.String({ maxLength: 64 })) },
  { additionalProperties: false },
);
const Revocation = Type.Object(
  { reason: Type.String({ minLength: 1, maxLength: 2000 }) },
  { additionalProperties: false },
);

export function releaseRoutes(app: App, deployment: Deployment): void {
  listRoute(app, deployment);
  getRoute(app, deployment);
  contentRoute(app, deployment);
  revokeRoute(app, deployment);
}

function listRoute(app: App, deployment: Deployment): void {
  app.get(
    "/v1/releases",
    {
      config: { access: READ_ACCESS },
      schema: {
        operationId: "listReleases",
        summary: "Releases, newest first",
        tags,
        querystring: Query,
        response: { 200: Page(ReleaseView), ...problemResponses() },
      },
    },
    async (request) => {
      const { limit = 50, cursor, scenario } = request.query;
      const organisation = ownOrganisation(principalOf(request));
      const rows = await listReleases(deployment.db, {
        organisation,
        scenario,
        limit: limit + 1,
        before: parseCursor(cursor),
      });
      const { items, ...page } = pageOf(rows, limit);
      const viewer = organisation === undefined ? "staff" : "owner";
      return { items: await Promise.all(items.map((row) => viewRelease(deployment.db, row, viewer))), ...page };
    },
  );
}

function getRoute(app: App, deployment: Deployment): void {
  app.get(
    "/v1/releases/:id",
    {
      config: { access: READ_ACCESS },
      schema: {
        operationId: "getRelease",
        summary: "One release",
        tags,
        params: Params,
        response: { 200: ReleaseView, ...problemResponses(404) },
      },
    },
    async (request) => {
      const organisation = ownOrganisation(principalOf(request));
      const release = await getRelease(deployment.db, request.params.id, organisation);
      return viewRelease(deployment.db, release, organisation === undefined ? "staff" : "owner");
    },
  );
}

/** Every download is an audit entry: who took what, when, in which format. */
function contentRoute(app: App, deployment: Deployment): void {
  app.get(
    "/v1/releases/:id/content",
    {
      config: { access: { roles: ["developer", "operator", "reviewer"], audit: "release.downloaded" } },
      schema: {
        operationId: "getReleaseContent",
        summary: "Content as Arrow stream, CSV, JSON or Parquet, by Accept",
        tags,
        params: Params,
        querystring: ContentQuery,
        response: { 200: Type.Unknown(), ...problemResponses(404, 406, 410) },
      },
    },
    async (request, reply) => {
      const organisation = ownOrganisation(principalOf(request));
      const release = await getRelease(deployment.db, request.params.id, organisation);
      if (release.state === "revoked") throw new AppError("release_revoked");
      if (release.state === "expired") throw new AppError("release_expired");
      if (organisation !== undefined) await requireUnsuspended(deployment, release);
      const format = contentFormat(request.headers.accept);
      const outputs = await releaseOutputs(deployment.db, release.id);
      const output = outputs.find(({ name }) => name === (request.query.output ?? outputs[0]?.name));
      if (!output) throw new AppError("not_found");
      await withAudit(deployment.db, auditorOf(request, deployment), async (context) =>
        record(context, {
          action: "release.downloaded",
          subject: { kind: "release", id: release.id },
          detail: { output: output.name, object: output.object, format },
        }),
      );
      const { descriptor, object } = output;
      const notes = notesIn(acceptedLanguage(request.headers["accept-language"]), output.notes);
      return renderOutput(deployment, reply, { scenario: release.scenario, descriptor, object, notes, format });
    },
  );
}

function revokeRoute(app: App, deployment: Deployment): void {
  app.post(
    "/v1/releases/:id/revoke",
    {
      config: { access: { roles: ["operator", "implementing_body"], audit: "egress.revoked" } },
      schema: {
        operationId: "revokeRelease",
        summary: "Revoke a release: neither its outputs nor its job's log are shown to their owner any more",
        tags,
        params: Params,
        body: Revocation,
        response: { 200: ReleaseView, ...problemResponses(404, 409) },
      },
    },
    async (request) => {
      const { id } = request.params;
      const by = auditorOf(request, deployment);
      await withAudit(deployment.db, by, async (context) => revokeRelease(context, id, request.body.reason));
      return viewRelease(deployment.db, await getRelease(deployment.db, id), "staff");
    },
  );
}
