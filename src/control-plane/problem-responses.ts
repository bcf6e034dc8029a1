import { Problem } from "#contract/common.ts";

type Statuses = 400 | 401 | 403 | 404 | 406 | 409 | 410 | 413 | 415 | 422 | 429 | 500 | 501 | 503;

/** Response schemas of a route's failures; 400, 401, 403, 429, 500 and 503 can come from any route. */
export function problemResponses(...statuses: Statuses[]): Record<number, typeof Problem> {
  const all = new Set<number>([400, 401, 403, 429, 500, 503, ...statuses]);
  return Object.fromEntries([...all].map((status) => [status, Problem]));
}
