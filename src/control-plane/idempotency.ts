import type { FastifyReply, FastifyRequest } from "fastify";
import { type AuditContext, type AuditGroup, withAudit } from "#audit/index.ts";
import { AppError } from "#kernel/errors.ts";
import { canonicalJson } from "#kernel/canonical-json.ts";
import { sha256 } from "#kernel/digest.ts";
import { beginIdempotent, finishIdempotent, type IdempotentAnswer } from "#persistence/index.ts";
import { principalOf } from "./route.ts";
import type { Deployment } from "./deployment.ts";

/** In whose name a request writes. */
export function auditorOf(request: FastifyRequest, { clock }: Pick<Deployment, "clock">): Omit<AuditContext, "tx"> {
  const { subject, organisation, roles } = principalOf(request);
  return { actor: { kind: "person", id: subject, organisation, roles: [...roles] }, clock, requestId: request.id };
}

/**
 * Runs a write that creates something. With an `Idempotency-Key` its answer is kept in the same transaction, and
 * the same request again gets the same answer and writes nothing. With a group it shares its transaction.
 */
export async function createIdempotently(
  deployment: Pick<Deployment, "db" | "clock">,
  { request, reply, group }: { request: FastifyRequest; reply: FastifyReply; group?: AuditGroup },
  work: (context: AuditContext) => Promise<IdempotentAnswer>,
): Promise<IdempotentAnswer & { replayed: boolean }> {
  const by = auditorOf(request, deployment);
  const run: AuditGroup["run"] = group?.run ?? (async (who, write) => withAudit(deployment.db, who, write));
  const key = idempotencyKey(request);
  if (key === undefined) return { ...(await run(by, work)), replayed: false };
  const { organisation, subject } = principalOf(request);
  const requestDigest = sha256(canonicalJson({ method: request.method, url: request.url, body: request.body ?? null }));
  return run(by, async (context) => {
    const claim = { organisation, subject, key, requestDigest, nowMs: deployment.clock.nowMs() };
    const start = await beginIdempotent(context.tx, claim);
    if (start.state === "replay") {
      void reply.header("idempotency-replayed", "true");
      const { state: _state, ...answer } = start;
      return { ...answer, replayed: true };
    }
    const answer = await work(context);
    await finishIdempotent(context.tx, claim, answer);
    return { ...answer, replayed: false };
  });
}

function idempotencyKey(request: FastifyRequest): string | undefined {
  const key = request.headers["idempotency-key"];
  if (key === undefined) return undefined;
  if (typeof key !== "string" || !/^[\x21-\x7e]{1,200}$/.test(key)) {
    throw new AppError("invalid_request", "the Idempotency-Key must be 1 to 200 printable characters");
  }
  return key;
}
