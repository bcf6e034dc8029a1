import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyRequest,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from "fastify";
import type { Role } from "#contract/organisation.ts";
import type { Principal } from "#identity/index.ts";
import { AppError } from "#kernel/errors.ts";

/** The Fastify instance as routes see it: typed by TypeBox schemas, nothing decorated on it. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/**
 * Every route declares who may call it and which audit action a success writes (`read` for calls that change
 * nothing and need no entry). The endpoint-coverage test refuses a route without both.
 */
export interface RouteAccess {
  roles: readonly Role[] | "open";
  audit: string;
  /** The one call of a runner node that carries its one-time token and no signature of its key. */
  enrolment?: true;
}

declare module "fastify" {
  interface FastifyContextConfig {
    access?: RouteAccess;
  }
  interface FastifyRequest {
    principal: Principal | null;
  }
}

/** The authenticated caller. The access hook has run before any handler of a route that is not open. */
export function principalOf(request: Pick<FastifyRequest, "principal">): Principal {
  if (!request.principal) throw new AppError("unauthenticated");
  return request.principal;
}
