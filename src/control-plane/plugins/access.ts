import type { FastifyRequest } from "fastify";
import type { Authenticator } from "#identity/index.ts";
import { AppError } from "#kernel/errors.ts";
import type { App } from "../route.ts";

/** Identity and role of every request, before its body is read. A route without `access` serves nobody. */
export function requireAccess(app: App, authenticator: Authenticator): void {
  app.decorateRequest("principal", null);
  app.addHook("onRequest", async (request) => {
    if (request.is404) return;
    const access = request.routeOptions.config.access;
    if (!access) throw new AppError("forbidden");
    if (access.roles === "open") return;
    const principal = await authenticator.authenticate(bearerToken(request));
    // known before it is judged: a refusal is told with the name of who was refused
    request.principal = principal;
    if (!access.roles.some((role) => principal.roles.includes(role))) throw new AppError("forbidden");
  });
}

/** The token of `Authorization: Bearer`. Throws `unauthenticated`. */
export function bearerToken(request: Pick<FastifyRequest, "headers">): string {
  const match = /^Bearer ([A-Za-z0-9._~+/-]+=*)$/.exec(request.headers.authorization ?? "");
  if (!match?.[1]) throw new AppError("unauthenticated");
  return match[1];
}
