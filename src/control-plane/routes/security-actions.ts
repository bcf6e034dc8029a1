import type { FastifyReply, FastifyRequest } from "fastify";
import { type Static, Type } from "typebox";
import type { AuditContext } from "#audit/index.ts";
import { Page, PageQuery } from "#contract/common.ts";
import {
  AlarmAcknowledgement,
  AlarmState,
  AlarmView,
  SuspensionCreate,
  SuspensionLift,
  SuspensionView,
} from "#contract/security.ts";
import { parseCursor } from "#kernel/page.ts";
import {
  acknowledgeAlarm,
  type EventDraft,
  liftSuspension,
  listAlarms,
  listSuspensions,
  setSuspension,
} from "#security/index.ts";
import type { Deployment } from "../deployment.ts";
import { createIdempotently } from "../idempotency.ts";
import { problemResponses } from "../problem-responses.ts";
import { type App, principalOf } from "../route.ts";
import { tellEvents } from "../security-news.ts";

const tags = ["security"];
/** Who supervises sees what is wrong and what is stopped; the log itself is for security staff only. */
const READ_ACCESS = { roles: ["security", "implementing_body", "operator"] as const, audit: "read" };
const Params = Type.Object({ id: Type.String({ maxLength: 64 }) });
const AlarmQuery = Type.Object(
  { ...PageQuery.properties, state: Type.Optional(AlarmState) },
  { additionalProperties: false },
);

export function securityActionRoutes(app: App, deployment: Deployment): void {
  listAlarmsRoute(app, deployment);
  acknowledgeRoute(app, deployment);
  listSuspensionsRoute(app, deployment);
  suspendRoute(app, deployment);
  liftRoute(app, deployment);
}

/** Writes, once for an idempotency key, and tells of the events after the commit. */
async function act<T>(
  deployment: Deployment,
  exchange: { request: FastifyRequest; reply: FastifyReply },
  work: (context: AuditContext) => Promise<{ status: number; view: T; events: EventDraft[]; location?: string }>,
): Promise<{ status: number; body: T; location: string | undefined }> {
  let events: EventDraft[] = [];
  const answer = await createIdempotently(deployment, exchange, async (context) => {
    const { status, view, location, ...done } = await work(context);
    ({ events } = done);
    return { status, body: view, ...(location === undefined ? {} : { location }) };
  });
  if (!answer.replayed) tellEvents(deployment, events);
  return { status: answer.status, body: answer.body as T, location: answer.location };
}

function listAlarmsRoute(app: App, deployment: Deployment): void {
  app.get(
    "/v1/security/alarms",
    {
      config: { access: READ_ACCESS },
      schema: {
        operationId: "listAlarms",
        summary: "Alarms, newest first; the open ones unless another state is asked for",
        tags,
        querystring: AlarmQuery,
        response: { 200: Page(AlarmView), ...problemResponses() },
      },
    },
    async (request) => {
      const { limit = 50, cursor, state = "open" } = request.query;
      return listAlarms(deployment.db, { limit, after: parseCursor(cursor), state });
    },
  );
}

function acknowledgeRoute(app: App, deployment: Deployment): void {
  app.post(
    "/v1/security/alarms/:id/acknowledge",
    {
      config: { access: { roles: ["security"], audit: "alarm.acknowledged" } },
      schema: {
        operationId: "acknowledgeAlarm",
        summary: "Acknowledge an alarm: its rule counts anew",
        tags,
        params: Params,
        body: AlarmAcknowledgement,
        response: { 200: AlarmView, ...problemResponses(404, 409, 422) },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { comment } = request.body;
      const { body } = await act<Static<typeof AlarmView>>(deployment, { request, reply }, async (context) => ({
        status: 200,
        ...(await acknowledgeAlarm(context, id, comment)),
      }));
      return body;
    },
  );
}

function listSuspensionsRoute(app: App, { db, clock }: Deployment): void {
  app.get(
    "/v1/security/suspensions",
    {
      config: { access: READ_ACCESS },
      schema: {
        operationId: "listSuspensions",
        summary: "Suspensions, newest first, those that hold no more too",
        tags,
        querystring: PageQuery,
        response: { 200: Page(SuspensionView), ...problemResponses() },
      },
    },
    async (request) => {
      const { limit = 50, cursor } = request.query;
      return listSuspensions(db, { limit, after: parseCursor(cursor), nowMs: clock.nowMs() });
    },
  );
}

function suspendRoute(app: App, deployment: Deployment): void {
  app.post(
    "/v1/security/suspensions",
    {
      config: { access: { roles: ["security", "implementing_body"], audit: "suspension.set" } },
      schema: {
        operationId: "suspend",
        summary: "Stop a scenario or an organisation at once: no new job, no release, no content",
        tags,
        body: SuspensionCreate,
        response: { 201: SuspensionView, ...problemResponses(404, 409, 422) },
      },
    },
    async (request, reply) => {
      const { scope, reason, until } = request.body;
      const isBody = principalOf(request).roles.includes("implementing_body");
      const authority = isBody ? ("implementing_body" as const) : ("security" as const);
      const untilMs = until === undefined ? undefined : Date.parse(until);
      const { body, location } = await act(deployment, { request, reply }, async (context) => {
        const { view, events } = await setSuspension(context, { scope, reason, authority, untilMs });
        return { status: 201, view, events, location: `/v1/security/suspensions/${view.id}` };
      });
      if (location !== undefined) void reply.header("location", location);
      return reply.code(201).send(body);
    },
  );
}

function liftRoute(app: App, deployment: Deployment): void {
  app.post(
    "/v1/security/suspensions/:id/lift",
    {
      config: { access: { roles: ["security", "implementing_body"], audit: "suspension.lifted" } },
      schema: {
        operationId: "liftSuspension",
        summary: "Lift a suspension; what the implementing body set, only the implementing body lifts",
        tags,
        params: Params,
        body: SuspensionLift,
        response: { 200: SuspensionView, ...problemResponses(404, 409, 422) },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { reason } = request.body;
      const { body } = await act<Static<typeof SuspensionView>>(deployment, { request, reply }, async (context) => ({
        status: 200,
        ...(await liftSuspension(context, id, reason)),
      }));
      return body;
    },
  );
}
