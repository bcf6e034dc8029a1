import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { type Logger, pino } from "pino";
import { createAuditGroup, record, withAudit } from "#audit/index.ts";
import { findOrganisation } from "#authority/index.ts";
import type { Config } from "#config/index.ts";
import type { OrganisationKind } from "#contract/organisation.ts";
import {
  buildApp,
  buildRunnerApp,
  createJobSignal,
  createKnownRunners,
  createMetrics,
  createNews,
  createRefusalLog,
  type Deployment,
  startChores,
} from "#control-plane/index.ts";
import { createRenderQueue } from "#egress/index.ts";
import { createAuthenticator, createDevelopmentIssuer } from "#identity/index.ts";
import { systemClock } from "#kernel/clock.ts";
import { AppError } from "#kernel/errors.ts";
import { type DatabaseHandle, migrate, openDatabase, openObjectStore } from "#persistence/index.ts";
import { loadPolicyBundle } from "#policy/index.ts";
import { type Confinement, detectConfinement, loadImages } from "#runner/index.ts";
import { type LocalRunner, startLocalRunner } from "./local-runner.ts";
import { ROOT } from "./root.ts";

export interface RunningServer {
  /** Where it listens, e.g. `http://127.0.0.1:8080`. */
  url: string;
  /** Stops taking requests, lets running work finish, and closes the database. */
  close(): Promise<void>;
}

const RENDER_TIMEOUT_MS = 30_000;
const RENDER_LIMIT = 1_000;
/** What an idle engine holds at most, in the memory that is its own; the files that it maps are shared. */
const IDLE_BYTES = 192 * 1024 ** 2;
const RUNNER = "local";

/** Starts the control plane and its local runner. Throws `configuration_invalid` when anything is unsafe or missing. */
export async function startServer(config: Config): Promise<RunningServer> {
  const log = pino({ level: config.logLevel, base: { process: "control-plane" } });
  const confinement = await requireConfinement(config, log);
  for (const warning of config.warnings) log.warn({ warning }, "development shortcut in force");
  mkdirSync(config.dataDirectory, { recursive: true, mode: 0o700 });
  const handle = await openDatabase(config.database);
  try {
    await migrate(handle);
    const deployment = await createDeployment(config, handle, log);
    return await listen(deployment, confinement);
  } catch (error) {
    await handle[Symbol.asyncDispose]();
    throw error;
  }
}

/** Guest code is refused unless an accepted confinement can be set up. */
async function requireConfinement(config: Config, log: Logger): Promise<Confinement> {
  const { confinement, controlGroup } = config;
  const found = await detectConfinement({ accepted: confinement, controlGroup });
  const { refusals } = found;
  if (found.confinement === undefined) {
    const message = `none of the accepted confinements (${confinement.join(", ")}) holds on this machine`;
    throw new AppError("configuration_invalid", [message, ...refusals].join("\n- "), { details: { refusals } });
  }
  if (found.confinement === "process") log.warn({ refusals }, "jobs run as plain child processes, without a sandbox");
  else log.info({ confinement: found.confinement, refusals }, "confinement in force");
  return found.confinement;
}

async function createDeployment(config: Config, handle: DatabaseHandle, log: Logger): Promise<Deployment> {
  const signal = createJobSignal();
  const { db } = handle;
  return {
    config,
    clock: systemClock,
    handle,
    db,
    bundle: bundleOf(config),
    images: loadImages(join(ROOT, "sandbox-images"), ROOT),
    objects: await openObjectStore(
      join(config.dataDirectory, "objects"),
      join(config.dataDirectory, "keys", "seal.key"),
    ),
    authenticator: await authenticatorOf(config, handle),
    signal,
    news: createNews(handle, signal),
    writes: writesOf(handle),
    metrics: createMetrics(db),
    refusals: createRefusalLog(),
    runners: createKnownRunners(),
    renders: createRenderQueue({
      timeoutMs: RENDER_TIMEOUT_MS,
      limit: RENDER_LIMIT,
      onWork: () => signal.work("renders"),
    }),
    log,
  };
}

/** The embedded database has one connection, and one flush serves all; PostgreSQL takes two streams side by side. */
function writesOf({ kind, db }: DatabaseHandle): Deployment["writes"] {
  const submissions = createAuditGroup(db);
  return { submissions, work: kind === "embedded" ? submissions : createAuditGroup(db) };
}

async function authenticatorOf(config: Config, { db }: DatabaseHandle): Promise<Deployment["authenticator"]> {
  const development = config.development ? await createDevelopmentIssuer(config.dataDirectory) : undefined;
  // a kind never changes, and an organisation never goes: what was found once needs no statement again
  const kinds = new Map<string, { kind: OrganisationKind }>();
  return createAuthenticator({
    development,
    oidc: config.oidc,
    findOrganisation: async (id) => {
      const known = kinds.get(id) ?? (await findOrganisation(db, id));
      if (known) kinds.set(id, { kind: known.kind });
      if (known || !(config.development || config.bootstrapOperator === id)) return known;
      // the first space file declares its own operator, while there is nobody at all
      const anybody = await db.selectFrom("organisations").select("id").limit(1).executeTakeFirst();
      return anybody ? undefined : { kind: "operator" };
    },
  });
}

async function listen(deployment: Deployment, confinement: Confinement): Promise<RunningServer> {
  const { config, log, handle } = deployment;
  let stopping = false;
  const app = await buildApp(deployment, { isStopping: () => stopping });
  const token = randomBytes(32).toString("base64url");
  const runnerApp = buildRunnerApp(deployment, token);
  const socketDirectory = mkdtempSync(join(tmpdir(), "sluice-"));
  const socketPath = join(socketDirectory, "runner.sock");
  await runnerApp.listen({ path: socketPath });
  const url = await app.listen(config.listen);
  const runner = startLocalRunner({ ...runnerSettings(config, confinement), socketPath, token }, log, () =>
    noteRunner(deployment, confinement),
  );
  const stopChores = startChores(deployment);
  const stopNews = await deployment.news.listen();
  return {
    url,
    close: async () => {
      stopping = true;
      await closeAll({ app, runnerApp, runner, stopChores });
      await stopNews();
      rmSync(socketDirectory, { recursive: true, force: true });
      await handle[Symbol.asyncDispose]();
    },
  };
}

/** What holds guest code from here on is evidence: each start of the runner is in the audit log with it. */
function noteRunner({ db, clock, log }: Deployment, confinement: Confinement): void {
  const event = { action: "runner.started", subject: { kind: "runner", id: RUNNER }, detail: { confinement } };
  withAudit(db, { actor: { kind: "system", id: "serve" }, clock }, async (context) => record(context, event)).catch(
    (error: unknown) => log.error({ err: error }, "the start of the runner was not recorded"),
  );
}

/** The runner first: it reports what it finishes while the control plane still listens. */
async function closeAll(parts: {
  app: { close(): Promise<unknown> };
  runnerApp: { close(): Promise<unknown> };
  runner: LocalRunner;
  stopChores: () => Promise<void>;
}): Promise<void> {
  await parts.runner.stop();
  await parts.app.close();
  await parts.runnerApp.close();
  await parts.stopChores();
}

function runnerSettings(config: Config, confinement: Confinement): Record<string, unknown> {
  return {
    name: RUNNER,
    origin: "http://runner.invalid",
    logLevel: config.logLevel,
    confinement,
    jobs: config.runner.concurrentJobs,
    ingests: config.runner.concurrentIngests,
    threads: availableParallelism(),
    memoryBytes: config.jobLimits.interactive.memoryBytes,
    jobMemoryBytes: config.runner.memoryBytes ?? Math.floor(totalmem() * 0.75),
    idleLimit: config.runner.idleProcesses ?? defaultIdle(totalmem()),
  };
}

/** A cold start costs as much as many jobs: as many engines stay as half of the memory holds. */
function defaultIdle(machineBytes: number): number {
  return Math.min(64, Math.max(4, Math.floor(machineBytes / 2 / IDLE_BYTES)));
}

/** The policies, with what development mode takes back of them. */
function bundleOf({ policiesDirectory, probing }: Config): Deployment["bundle"] {
  const bundle = loadPolicyBundle(policiesDirectory);
  if (probing === "suspend") return bundle;
  const { security } = bundle;
  return { ...bundle, security: { ...security, repeated_blocks: { ...security.repeated_blocks, suspends: false } } };
}
