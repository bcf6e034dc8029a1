import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import { type Static, Type } from "typebox";
import { record, withAudit } from "#audit/index.ts";
import { Page } from "#contract/common.ts";
import { SecurityEvent, SecurityEventQuery } from "#contract/security.ts";
import { AppError } from "#kernel/errors.ts";
import type { Database } from "#persistence/index.ts";
import { type EventDraft, type EventFilter, exportEvents, openTail, searchEvents } from "#security/index.ts";
import type { Deployment } from "../deployment.ts";
import { streamTail } from "../event-tail.ts";
import { auditorOf } from "../idempotency.ts";
import { problemResponses } from "../problem-responses.ts";
import { type App, principalOf } from "../route.ts";
import { noteAlone } from "../security-news.ts";

type Query = Static<typeof SecurityEventQuery>;

/**
 * `GET /v1/security/events`: the log for security staff. As JSON a search, newest first; as `text/event-stream` what
 * comes, from `Last-Event-ID`, `since` or now on; as `application/x-ndjson` everything that the filter covers. Who
 * looked for what is written to the audit log.
 */
export function securityEventRoutes(app: App, deployment: Deployment): void {
  const stopping = new AbortController();
  // a stream that waits for events would keep the server from closing
  app.addHook("preClose", async () => stopping.abort());
  app.get(
    "/v1/security/events",
    {
      config: { access: { roles: ["security"], audit: "security_log.searched" } },
      schema: {
        operationId: "listSecurityEvents",
        summary: "Security log: search (JSON), follow (text/event-stream) or export (application/x-ndjson), by Accept",
        tags: ["security"],
        querystring: SecurityEventQuery,
        response: { 200: Type.Unsafe<Answer>(Page(SecurityEvent)), ...problemResponses(406) },
      },
    },
    async (request, reply) => {
      const exchange = { request, reply, query: request.query };
      const accept = request.headers.accept ?? "*/*";
      if (accept.includes("text/event-stream")) return follow(deployment, exchange, stopping.signal);
      if (accept.includes("application/x-ndjson")) return exportAll(deployment, exchange);
      if (!/application\/(json|\*)|\*\/\*/.test(accept)) throw new AppError("not_acceptable");
      return search(deployment, exchange);
    },
  );
}

type Answer = { items: Static<typeof SecurityEvent>[]; next?: string } | Readable;

interface Exchange {
  request: FastifyRequest;
  reply: FastifyReply;
  query: Query;
}

async function search(deployment: Deployment, { request, query }: Exchange): Promise<Answer> {
  const { limit = 50, cursor } = query;
  // following pages belong to the same search
  if (cursor === undefined) await recordUse(deployment, request, { action: "security_log.searched", query });
  return searchEvents(deployment.db, filterOf(query), { limit, cursor });
}

async function follow(
  deployment: Deployment,
  { request, reply, query }: Exchange,
  stopping: AbortSignal,
): Promise<Readable> {
  refusePages(query);
  const { since, ...filter } = filterOf(query);
  const after = lastEventId(request);
  await recordUse(deployment, request, { action: "security_log.followed", query });
  const tail = await openTail(deployment.db, filter, { after, since });
  const gone = new AbortController();
  reply.raw.once("close", () => gone.abort());
  const end = AbortSignal.any([stopping, gone.signal]);
  // a connection that stayed open for another request after the stream's end would hold up the server's
  void reply.type("text/event-stream").header("connection", "close");
  void reply.header("cache-control", "no-store").header("x-accel-buffering", "no");
  return Readable.from(streamTail({ tail, signal: deployment.signal, end }), { highWaterMark: 1 });
}

/** The entry and the event of an export are durable before its first line. */
async function exportAll(deployment: Deployment, { request, reply, query }: Exchange): Promise<Readable> {
  refusePages(query);
  const { subject, organisation } = principalOf(request);
  const text = JSON.stringify(query);
  const exported: EventDraft = {
    kind: "log.exported",
    atMs: deployment.clock.nowMs(),
    text,
    details: { subject },
    organisation,
  };
  await noteAlone(deployment, auditorOf(request, deployment), {
    drafts: [exported],
    entry: async (context) =>
      record(context, {
        action: "security_log.exported",
        subject: { kind: "security_log", id: "events" },
        detail: { filter: { ...query } },
      }),
  });
  void reply.type("application/x-ndjson").header("connection", "close").header("cache-control", "no-store");
  return Readable.from(lines(deployment.db, filterOf(query)), { highWaterMark: 1 });
}

async function* lines(db: Database, filter: EventFilter): AsyncGenerator<string, void> {
  for await (const events of exportEvents(db, filter)) {
    yield events.map((event) => `${JSON.stringify(event)}\n`).join("");
  }
}

async function recordUse(
  deployment: Deployment,
  request: FastifyRequest,
  { action, query }: { action: string; query: Query },
): Promise<void> {
  const subject = { kind: "security_log", id: "events" };
  await withAudit(deployment.db, auditorOf(request, deployment), async (context) =>
    record(context, { action, subject, detail: { filter: { ...query } } }),
  );
}

function filterOf({ job, organisation, scenario, kind, severity, since, until, text }: Query): EventFilter {
  const places = { job, organisation, scenario };
  return { ...places, kinds: kind, severity, since: instant(since), until: instant(until), text };
}

function instant(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(text);
}

/** A stream has no pages. */
function refusePages({ limit, cursor }: Query): void {
  if (limit !== undefined || cursor !== undefined) {
    throw new AppError("invalid_request", "limit and cursor belong to the search, not to a stream");
  }
}

function lastEventId(request: FastifyRequest): number | undefined {
  const text = request.headers["last-event-id"];
  if (text === undefined || text === "") return undefined;
  if (typeof text !== "string" || !/^\d{1,15}$/.test(text)) {
    throw new AppError("invalid_request", "Last-Event-ID is not one of this stream");
  }
  return Number(text);
}
