/** Two replicas with data directories of their own, one PostgreSQL and one S3-compatible storage between them. */
import { randomBytes } from "node:crypto";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Test } from "tap";
import { type Client, createClient } from "#client/index.ts";
import type { Role } from "#contract/organisation.ts";
import { createDevelopmentIssuer } from "#identity/index.ts";
import { type Database, openDatabase } from "#persistence/index.ts";
import { type ServeProcess, startServeProcess } from "../end-to-end/serve-process.ts";
import { createTestDatabase } from "../persistence/databases.ts";
import { S3_CREDENTIALS, startS3Server } from "../storage/s3-server.ts";

export interface ReplicaProcess extends ServeProcess {
  /** Where runner nodes reach it. */
  nodesUrl: string;
  log: string[];
}

export interface City {
  directory: string;
  sources: string;
  db: Database;
  startReplica(name: string, host: string, env?: Record<string, string>): Promise<ReplicaProcess>;
  client(url: string, organisation: string, role: Role): Promise<Client>;
  token(organisation: string, role: Role): Promise<string>;
}

/** The database is an empty one of this process's own, unless one is given. */
export async function foundCity(t: Test, url?: string): Promise<City> {
  const database = url === undefined ? await createTestDatabase(t, "postgres") : ({ kind: "postgres", url } as const);
  if (database.kind !== "postgres") throw new Error("replicas need PostgreSQL");
  const directory = mkdtempSync(join(tmpdir(), "sluice-city-"));
  const s3 = await startS3Server(t);
  const handle = await openDatabase(database);
  const keyFile = join(directory, "object.key");
  writeFileSync(keyFile, randomBytes(32), { mode: 0o600 });
  const issuer = await createDevelopmentIssuer(directory);
  const token = async (organisation: string, role: Role) =>
    issuer.issueToken({ subject: role, organisation, roles: [role], lifetimeSeconds: 3600 });
  t.teardown(async () => {
    await handle[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });
  const shared = {
    ...S3_CREDENTIALS,
    SLUICE_DATABASE_URL: database.url,
    SLUICE_STORAGE: `s3://${s3.bucket}/city`,
    SLUICE_STORAGE_ENDPOINT: s3.endpoint,
    SLUICE_OBJECT_KEY_FILE: keyFile,
    SLUICE_RUNNER_JOBS: "0",
    SLUICE_NODES_PORT: "0",
    SLUICE_LEASE_SECONDS: "10",
    SLUICE_LOG_LEVEL: "info",
  };
  return {
    directory,
    sources: join(directory, "sources"),
    db: handle.db,
    startReplica: async (name, host, env = {}) => {
      const home = join(directory, name);
      mkdirSync(join(home, "data"), { recursive: true });
      copyFileSync(join(directory, "development-issuer.json"), join(home, "data", "development-issuer.json"));
      const log: string[] = [];
      const places = { SLUICE_HOST: host, SLUICE_NODES_HOST: host, SLUICE_REPLICA: name };
      const sources = { SLUICE_SOURCE_ROOTS: join(directory, "sources") };
      const started = await startServeProcess({
        directory: home,
        log,
        env: { ...shared, ...places, ...sources, ...env },
      });
      t.teardown(() => started.child.kill("SIGKILL"));
      return { ...started, log, nodesUrl: await nodesUrlOf(log) };
    },
    client: async (url, organisation, role) => createClient({ url, token: await token(organisation, role) }),
    token,
  };
}

async function nodesUrlOf(log: readonly string[]): Promise<string> {
  return until(() => log.map((line) => /^runner nodes: (\S+)/.exec(line)?.[1]).find((url) => url !== undefined));
}

/** Looks again and again until there is an answer. */
export async function until<T>(look: () => T | undefined | Promise<T | undefined>, withinMs = 60_000): Promise<T> {
  const end = Date.now() + withinMs;
  while (Date.now() < end) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(50);
  }
  throw new Error("it did not come about in time");
}
