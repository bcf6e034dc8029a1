/** A real server in a process of its own, started again whenever it dies, on a database that can be hurt too. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Test } from "tap";
import { type Client, createClient } from "#client/index.ts";
import type { Role } from "#contract/organisation.ts";
import { createDevelopmentIssuer } from "#identity/index.ts";
import { descendantsOf, startOf } from "../../src/runner/confinement/index.ts";
import { startServeProcess } from "../end-to-end/serve-process.ts";
import { applySpace } from "../end-to-end/apply-space.ts";
import { writeSpace } from "../end-to-end/space.ts";
import { copyDurable } from "../persistence/databases.ts";
import { findPostgres, type PostgresCluster, startPostgres } from "../persistence/postgres-cluster.ts";
import { isAlive } from "../tooling/is-alive.ts";

export interface Target {
  readonly kind: "embedded" | "postgres";
  readonly directory: string;
  readonly cluster: PostgresCluster | undefined;
  readonly log: readonly string[];
  /** Process of the server that runs now; waits for one while it is being started again. */
  pid(): Promise<number>;
  url(): Promise<string>;
  client(organisation: string, role: Role): Promise<Client>;
  token(organisation: string, role: Role): Promise<string>;
  /** Ends the server in order; answers what of all that it ever started is still there. */
  stop(): Promise<string[]>;
}

export interface TargetOptions {
  kind: Target["kind"];
  env?: Record<string, string>;
  /** Where the home of the server is made. */
  under?: string;
}

const ENV = {
  SLUICE_LOG_LEVEL: "info",
  SLUICE_RATE_LIMIT: "1000000",
  SLUICE_RUNNER_JOBS: "3",
  SLUICE_LEASE_SECONDS: "8",
};

export async function startTarget(t: Test, { kind, env = {}, under = tmpdir() }: TargetOptions): Promise<Target> {
  const directory = mkdtempSync(join(under, "sluice-faults-"));
  const cluster = kind === "postgres" ? await startPostgres(findPostgres()!, { durable: true }) : undefined;
  const database = cluster ? { SLUICE_DATABASE_URL: cluster.url("postgres") } : {};
  if (kind === "embedded") await copyDurable(join(directory, "data", "database"));
  const space = writeSpace(join(directory, "sources"));
  const server = keepServer(directory, { ...ENV, ...database, ...env });
  await server.url();
  const issuer = await createDevelopmentIssuer(join(directory, "data"));
  const token: Target["token"] = async (organisation, role) =>
    issuer.issueToken({ subject: `${role}-1`, organisation, roles: [role], lifetimeSeconds: 36_000 });
  let stopped: Promise<string[]> | undefined;
  const target: Target = {
    kind,
    directory,
    cluster,
    log: server.log,
    pid: server.pid,
    url: server.url,
    token,
    client: async (organisation, role) =>
      createClient({ url: await server.url(), token: await token(organisation, role), retries: 0 }),
    stop: async () => (stopped ??= server.stop()),
  };
  t.teardown(async () => {
    await target.stop();
    await cluster?.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  await applySpace(await target.client("op", "operator"), space);
  return target;
}

interface KeptServer {
  log: string[];
  url(): Promise<string>;
  pid(): Promise<number>;
  stop(): Promise<string[]>;
}

const START_TRIES = 40;

function keepServer(directory: string, env: Record<string, string>): KeptServer {
  const log: string[] = [];
  const seen = new Map<number, string>();
  let stopping = false;
  let running = start();
  const watch = setInterval(() => {
    running.then(
      ({ child }) => noteAll(seen, child.pid),
      () => undefined,
    );
  }, 100);
  return {
    log,
    url: async () => (await running).url,
    pid: async () => (await running).child.pid!,
    stop: async () => {
      const { child } = await running;
      stopping = true;
      clearInterval(watch);
      noteAll(seen, child.pid);
      if (isOver(child)) throw new Error("the server had ended already");
      child.kill("SIGTERM");
      const [status] = (await once(child, "exit")) as [number | null];
      const left = await leftovers(seen);
      return status === 0 ? left : [`the server ended with ${status}`, ...left];
    },
  };

  async function start(): Promise<{ child: ChildProcess; url: string }> {
    for (let tries = 1; ; tries++) {
      try {
        const started = await startServeProcess({ directory, env, log });
        started.child.once("exit", () => {
          if (!stopping) running = start();
        });
        return started;
      } catch (error) {
        // as a supervisor of services does: its database may not be there yet
        if (tries === START_TRIES) throw error;
        await sleep(500);
      }
    }
  }
}

function isOver(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function noteAll(seen: Map<number, string>, pid: number | undefined): void {
  if (pid === undefined) return;
  for (const each of [pid, ...descendantsOf(pid)]) {
    const born = startOf(each);
    if (born !== undefined) seen.set(each, born);
  }
}

/** Killed processes may take a moment. */
async function leftovers(seen: ReadonlyMap<number, string>): Promise<string[]> {
  const living = () => [...seen].filter(([pid, born]) => isAlive(pid) && startOf(pid) === born);
  for (let tries = 0; tries < 100 && living().length > 0; tries++) await sleep(100);
  return living().map(([pid]) => `process ${pid} is left`);
}
