import type { FastifyRequest } from "fastify";

/** For calls whose body has only optional members: a request without one means an empty object. */
export async function allowEmptyBody(request: FastifyRequest): Promise<void> {
  request.body ??= {};
}
