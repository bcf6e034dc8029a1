/** A real server with its runner, engines and isolates, on loopback, for one test file. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Test } from "tap";
import { type Client, createClient } from "#client/index.ts";
import { readConfig } from "#config/index.ts";
import type { Role } from "#contract/organisation.ts";
import type { DatabaseOptions } from "#persistence/index.ts";
import { createDevelopmentIssuer } from "#identity/index.ts";
import { type RunningServer, startServer } from "../../src/bin/serve.ts";
import { createTestDatabase } from "../persistence/databases.ts";
import { applySpace } from "./apply-space.ts";
import { writeSpace } from "./space.ts";

export interface TestServer {
  url: string;
  directory: string;
  /** Of PostgreSQL. */
  databaseUrl: string | undefined;
  token(organisation: string, role: Role, subject?: string): Promise<string>;
  client(organisation: string, role: Role, subject?: string): Promise<Client>;
  /** Stops the server and starts it again on the same data. */
  restart(): Promise<void>;
}

export interface TestServerOptions {
  kind?: DatabaseOptions["kind"];
  env?: Record<string, string>;
  /** Without the space: an empty server. */
  empty?: boolean;
}

export async function startTestServer(t: Test, options: TestServerOptions = {}): Promise<TestServer> {
  const directory = mkdtempSync(join(tmpdir(), "sluice-e2e-"));
  const database = await createTestDatabase(t, options.kind ?? "embedded");
  const sources = join(directory, "sources");
  const space = writeSpace(sources);
  const data = join(directory, "data");
  const env = {
    SLUICE_LOG_LEVEL: process.env["SLUICE_TEST_LOG"] ?? "silent",
    SLUICE_RATE_LIMIT: "100000",
    SLUICE_DATABASE_TIMEOUT_SECONDS: "15",
    ...options.env,
  };
  const config = readConfig(env, { development: true, dataDirectory: data, port: 0, sourceRoots: [sources] });
  const start = async (): Promise<RunningServer> =>
    startServer({ ...config, database: withPool(database, env.SLUICE_DATABASE_TIMEOUT_SECONDS) });
  let running = await start();
  t.teardown(async () => {
    await running.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const issuer = await createDevelopmentIssuer(data);
  const server: TestServer = {
    get url() {
      return running.url;
    },
    directory,
    databaseUrl: database.kind === "postgres" ? database.url : undefined,
    token: async (organisation, role, subject = `${role}-of-${organisation}`) =>
      issuer.issueToken({ subject, organisation, roles: [role], lifetimeSeconds: 3600 }),
    client: async (organisation, role, subject) =>
      createClient({ url: running.url, token: await server.token(organisation, role, subject) }),
    restart: async () => {
      await running.close();
      running = await start();
    },
  };
  if (options.empty !== true) await applySpace(await server.client("op", "operator"), space);
  return server;
}

function withPool(database: DatabaseOptions, timeoutSeconds: string) {
  if (database.kind === "embedded") return database;
  return { ...database, poolSize: database.poolSize ?? 8, statementTimeoutMs: Number(timeoutSeconds) * 1000 };
}
