import type { FastifyRequest } from "fastify";
import type { ErrorCode } from "#kernel/errors.ts";
import { asAppError } from "../error-handler.ts";
import type { RefusalLog } from "../refusal-log.ts";
import type { App } from "../route.ts";

/** Failures that say something about the caller and not about the request's form. */
const TOLD: readonly ErrorCode[] = [
  "unauthenticated",
  "forbidden",
  "too_many_requests",
  "authority_missing",
  "self_review",
  "source_not_allowed",
  "development_only",
];

/** Tells security staff of requests that were refused because of who made them. */
export function tellRefusals(app: App, refusals: RefusalLog): void {
  app.addHook("onError", async (request: FastifyRequest, _reply, error) => {
    const code = asAppError(error)?.code;
    if (code === undefined || !TOLD.includes(code)) return;
    const { principal, method, ip: address } = request;
    // the route and not the path: what was asked for is not repeated here
    const route = request.routeOptions.url ?? "none";
    const who = principal ? { organisation: principal.organisation, subject: principal.subject } : {};
    refusals.note({ code, method, route, address, ...who });
  });
}
