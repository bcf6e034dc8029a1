import { sql } from "kysely";
import { Type } from "typebox";
import { AppError } from "#kernel/errors.ts";
import { problemResponses } from "../problem-responses.ts";
import type { App } from "../route.ts";
import type { Deployment } from "../deployment.ts";

const Status = Type.Object({ status: Type.Literal("ok") });
const open = { access: { roles: "open" as const, audit: "read" } };

/** `/healthz`: the process answers. `/readyz`: it can do its work, and is not shutting down. */
export function healthRoutes(app: App, { db }: Pick<Deployment, "db">, isStopping: () => boolean): void {
  app.get(
    "/healthz",
    {
      config: open,
      logLevel: "warn",
      schema: { operationId: "healthz", tags: ["health"], response: { 200: Status, ...problemResponses() } },
    },
    async () => ({ status: "ok" as const }),
  );
  app.get(
    "/readyz",
    {
      config: open,
      logLevel: "warn",
      schema: { operationId: "readyz", tags: ["health"], response: { 200: Status, ...problemResponses(503) } },
    },
    async () => {
      if (isStopping()) throw new AppError("shutting_down");
      try {
        await sql`select 1`.execute(db);
      } catch (cause) {
        throw new AppError("database_unavailable", undefined, { cause });
      }
      return { status: "ok" as const };
    },
  );
}
