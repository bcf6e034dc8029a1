import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import type { Problem } from "#contract/common.ts";
import { AppError, ERROR_TABLE, type ErrorCode } from "#kernel/errors.ts";
import { createId } from "#kernel/ids.ts";

/** Fastify's own failures in our words. */
const FASTIFY_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_VALIDATION: "invalid_request",
  FST_ERR_CTP_INVALID_JSON_BODY: "invalid_request",
  FST_ERR_CTP_EMPTY_JSON_BODY: "invalid_request",
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: "invalid_request",
  FST_ERR_BAD_URL: "invalid_request",
  FST_ERR_CTP_BODY_TOO_LARGE: "payload_too_large",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "unsupported_media_type",
  FST_ERR_RATE_LIMIT: "too_many_requests",
  FST_ERR_MAX_LIMIT_REACHED: "too_many_requests",
};

/**
 * Every failure leaves as problem+json with a stable code. An unforeseen one is a bug: it leaves as `internal` with
 * an incident id and is logged whole.
 */
export function handleError(
  error: FastifyError | AppError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const known = asAppError(error);
  if (known) {
    request.log.info({ code: known.code, cause: causeText(known.cause) }, "request refused");
    return sendProblem(reply, problemOf(known, request));
  }
  const incident = createId("incident", Date.now());
  request.log.error({ err: error, incident }, "unforeseen failure");
  const internal = new AppError("internal", `Incident ${incident}`, { details: { incident } });
  return sendProblem(reply, problemOf(internal, request));
}

export function handleNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendProblem(reply, problemOf(new AppError("not_found"), request));
}

export function problemOf(error: AppError, request: FastifyRequest): Problem {
  const { status, title } = ERROR_TABLE[error.code];
  return {
    type: `urn:sluice:problem:${error.code}`,
    title,
    status,
    code: error.code,
    ...(error.message === title ? {} : { detail: error.message }),
    instance: request.url.split("?", 1)[0] ?? request.url,
    requestId: request.id,
    ...(error.details === undefined ? {} : { details: error.details }),
  };
}

function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.status === 401) void reply.header("www-authenticate", 'Bearer realm="sluice"');
  if (problem.status === 503 || problem.status === 429) {
    const seconds = problem.details?.["retryAfterSeconds"];
    if (!reply.hasHeader("retry-after")) void reply.header("retry-after", typeof seconds === "number" ? seconds : 1);
  }
  return reply.code(problem.status).type("application/problem+json").send(JSON.stringify(problem));
}

/** The failure in the words of the closed table; undefined for an unforeseen one. */
export function asAppError(error: FastifyError | AppError | Error): AppError | undefined {
  if (error instanceof AppError) return error;
  const code = "code" in error && typeof error.code === "string" ? FASTIFY_CODES[error.code] : undefined;
  if (code !== undefined) return new AppError(code, validationText(error), { cause: error });
  if ("statusCode" in error && error.statusCode === 429)
    return new AppError("too_many_requests", undefined, { cause: error });
  return undefined;
}

/** Where the request breaks its schema; the text names places and rules, never what was sent. */
function validationText(error: Error): string | undefined {
  if (!("validation" in error) || !Array.isArray(error.validation)) return undefined;
  const context = "validationContext" in error ? String(error.validationContext) : "request";
  const problems = (
    error.validation as { instancePath?: string; message?: string; params?: { additionalProperty?: string } }[]
  ).map(({ instancePath, message, params }) => {
    const extra = params?.additionalProperty === undefined ? "" : `: ${params.additionalProperty}`;
    return `${context}${instancePath ?? ""} ${message ?? "is not valid"}${extra}`;
  });
  return problems.join("; ");
}

function causeText(cause: unknown): string | undefined {
  return cause instanceof Error ? cause.message : undefined;
}
