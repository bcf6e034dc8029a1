import { Type } from "typebox";
import { currentCheckpoint, listEntries } from "#audit/index.ts";
import { AuditCheckpoint, AuditEntry } from "#contract/audit.ts";
import { problemResponses } from "../problem-responses.ts";
import type { App } from "../route.ts";
import type { Deployment } from "../deployment.ts";

const EntryQuery = Type.Object(
  {
    after: Type.Optional(Type.Integer({ minimum: 0, default: 0, description: "Entries after this number" })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 200 })),
    action: Type.Optional(Type.String({ maxLength: 100 })),
    actor: Type.Optional(Type.String({ maxLength: 200 })),
    subjectKind: Type.Optional(Type.String({ maxLength: 100 })),
    subject: Type.Optional(Type.String({ maxLength: 200 })),
  },
  { additionalProperties: false },
);
const access = { roles: ["audit", "security", "implementing_body"] as const, audit: "read" };

/** The log as it stands, in order, so that anyone who may read it can verify it offline. */
export function auditRoutes(app: App, { db }: Deployment): void {
  app.get(
    "/v1/audit/entries",
    {
      config: { access },
      schema: {
        operationId: "listAuditEntries",
        summary: "Audit entries in order",
        tags: ["audit"],
        querystring: EntryQuery,
        response: {
          200: Type.Object({ items: Type.Array(AuditEntry), next: Type.Optional(Type.Integer()) }),
          ...problemResponses(),
        },
      },
    },
    async (request) => {
      const { after = 0, limit = 200, action, actor, subjectKind, subject } = request.query;
      const about = subjectKind === undefined ? undefined : { kind: subjectKind, id: subject };
      const items = await listEntries(db, { afterSeq: after, limit, action, actor, subject: about });
      const last = items.length === limit ? items.at(-1) : undefined;
      return { items, ...(last ? { next: last.seq } : {}) };
    },
  );
  app.get(
    "/v1/audit/checkpoint",
    {
      config: { access },
      schema: {
        operationId: "getAuditCheckpoint",
        summary: "Where the log ends now",
        tags: ["audit"],
        response: { 200: AuditCheckpoint, ...problemResponses() },
      },
    },
    async () => currentCheckpoint(db),
  );
}
