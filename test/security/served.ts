/** The control plane with its routes, on a port of its own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAuditGroup } from "#audit/index.ts";
import { pino } from "pino";
import type { Test } from "tap";
import { createClient } from "#client/index.ts";
import {
  buildApp,
  createJobSignal,
  createKnownRunners,
  createMetrics,
  createRefusalLog,
  type Deployment,
} from "#control-plane/index.ts";
import type { OrganisationKind, Role } from "#contract/organisation.ts";
import { AppError } from "#kernel/errors.ts";
import { clock, stageLive } from "../authority/stage.ts";
import { images } from "../jobs/staged-jobs.ts";
import { openTestDatabase } from "../persistence/databases.ts";
import { bundle } from "./stage.ts";

const KINDS: Readonly<Record<string, OrganisationKind>> = { "wz-operator": "operator", bureau: "implementing_body" };

/** On the embedded database, with a live scenario. A token is `role~organisation`. */
export async function serve(t: Test) {
  const { handle } = await openTestDatabase(t, "embedded");
  const dataDirectory = mkdtempSync(join(tmpdir(), "sluice-served-"));
  t.teardown(() => rmSync(dataDirectory, { recursive: true, force: true }));
  await stageLive(handle.db);
  const authenticator: Deployment["authenticator"] = {
    authenticate: async (token) => {
      const [role, organisation = ""] = token.split("~");
      if (role === "bad") throw new AppError("unauthenticated");
      const organisationKind = KINDS[organisation] ?? "developer";
      return { subject: `a-${role}`, organisation, organisationKind, roles: [role as Role] };
    },
  };
  const signal = createJobSignal();
  const writes = createAuditGroup(handle.db);
  const deployment = {
    handle,
    db: handle.db,
    clock,
    bundle,
    images,
    authenticator,
    log: pino({ level: "silent" }),
    signal,
    writes: { submissions: writes, work: writes },
    metrics: createMetrics(handle.db),
    refusals: createRefusalLog(),
    runners: createKnownRunners(),
    config: {
      queue: { total: 100, organisation: 100 },
      leaseMs: 30_000,
      bodyLimitBytes: 1 << 20,
      rateLimit: { requestsPerMinute: 100_000 },
      securityLogDays: 400,
      dataDirectory,
      retention: { quarantineDays: 90, reviewDays: 30, releaseDays: 1_095 },
    },
  } as unknown as Deployment;
  const app = await buildApp(deployment, { isStopping: () => false });
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  t.teardown(async () => app.close());
  const client = (role: string, organisation = "wz-operator") =>
    createClient({ url, token: `${role}~${organisation}` });
  return { deployment, app, url, client, db: handle.db };
}
