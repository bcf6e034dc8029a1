import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Logger, pino } from "pino";
import { createAuditGroup, record, withAudit } from "#audit/index.ts";
import { findOrganisation } from "#authority/index.ts";
import type { Config } from "#config/index.ts";
import type { OrganisationKind } from "#contract/organisation.ts";
import {
  buildApp,
  buildNodeApp,
  buildRunnerApp,
  createKnownRunners,
  createMetrics,
  createRefusalLog,
  type Deployment,
  releaseLeases,
  startChores,
} from "#control-plane/index.ts";
import { adoptPolicies } from "#decisions/index.ts";
import { createRenderQueue } from "#egress/index.ts";
import { createAuthenticator, createDevelopmentIssuer, createRunnerAuthenticator } from "#identity/index.ts";
import { systemClock } from "#kernel/clock.ts";
import { findNodeKey } from "#nodes/index.ts";
import type { DatabaseHandle } from "#persistence/index.ts";
import { loadPolicyBundle } from "#policy/index.ts";
import { type Confinement, loadImages } from "#runner/index.ts";
import { createSender, webhookSecrets } from "#webhooks/index.ts";
import { type LocalRunner, startLocalRunner } from "./local-runner.ts";
import { shareOfMachine } from "./machine-share.ts";
import { localCache, openState, type State } from "./open-state.ts";
import { ingestPlaces, localRunnerName } from "./replica.ts";
import { requireConfinement } from "./require-confinement.ts";
import { ROOT } from "./root.ts";
import { makeRunDirectory } from "./run-directory.ts";

export interface RunningServer {
  /** Where it listens, e.g. `http://127.0.0.1:8080`. */
  url: string;
  /** Where runner nodes reach it, when they may. */
  nodesUrl: string | undefined;
  /** Stops taking requests, lets running work finish, and closes the database. */
  close(): Promise<void>;
}

const RENDER_TIMEOUT_MS = 30_000;
const RENDER_LIMIT = 1_000;

/** Starts the control plane and its local runner. Throws `configuration_invalid` when anything is unsafe or missing. */
export async function startServer(config: Config): Promise<RunningServer> {
  const log = pino({ level: config.logLevel, base: { process: "control-plane" } });
  const confinement = await requireConfinement(config, log);
  for (const warning of config.warnings) log.warn({ warning }, "development shortcut in force");
  mkdirSync(config.dataDirectory, { recursive: true, mode: 0o700 });
  await using opening = new AsyncDisposableStack();
  const bundle = bundleOf(config);
  const state = await openState(config, { bundle: bundle.digest, log, resources: opening });
  const stopping = new AbortController();
  const deployment = { ...(await createDeployment(config, { ...state, bundle }, log)), stopping: stopping.signal };
  opening.use(deployment.webhooks.sender);
  await keepPolicies(deployment);
  const listening = await listen(deployment, state, confinement);
  const resources = opening.move();
  return {
    ...listening,
    close: async () => {
      stopping.abort();
      await listening.close();
      await resources.disposeAsync();
    },
  };
}

async function createDeployment(
  config: Config,
  { handle, storage, signal, bundle }: State & Pick<Deployment, "bundle">,
  log: Logger,
): Promise<Deployment> {
  const { db } = handle;
  return {
    config,
    clock: systemClock,
    handle,
    db,
    bundle,
    images: loadImages(join(ROOT, "sandbox-images"), ROOT),
    objects: storage.objects,
    products: storage.products,
    noiseKey: storage.secretFor("threshold noise").toString("hex"),
    authenticator: await authenticatorOf(config, handle),
    signal,
    writes: writesOf(handle),
    metrics: createMetrics(db),
    refusals: createRefusalLog(),
    runners: createKnownRunners(),
    webhooks: {
      secrets: webhookSecrets(storage.secretFor("webhooks")),
      sender: createSender({ hosts: config.webhookHosts, development: config.development }),
    },
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

async function listen(deployment: Deployment, state: State, confinement: Confinement): Promise<RunningServer> {
  const { config, log } = deployment;
  const app = await buildApp(deployment, { isStopping: () => deployment.stopping?.aborted === true });
  const token = randomBytes(32).toString("base64url");
  const runnerApp = buildRunnerApp(deployment, token);
  const name = localRunnerName(config);
  // the database is this process's alone: whoever had that name has ended with the server before
  if (deployment.handle.kind === "embedded") await releaseLeases(deployment, name);
  const socketDirectory = makeRunDirectory();
  const socketPath = join(socketDirectory, "runner.sock");
  await runnerApp.listen({ path: socketPath });
  const nodes = await listenForNodes(deployment, state);
  const url = await app.listen(config.listen);
  const ingests = ingestPlaces(config, state.isIngestHome, log);
  const credential = { kind: "token", token };
  const settings = { ...runnerSettings(config, confinement), name, ingests, credential, socketPath };
  const runner = startLocalRunner(settings, log, {
    onStart: () => noteRunner(deployment, name, confinement),
    onLost: async () => releaseLeases(deployment, name),
  });
  const stopChores = startChores(deployment);
  return {
    url,
    nodesUrl: nodes?.url,
    close: async () => {
      await closeAll({ apps: [app, runnerApp, ...(nodes ? [nodes.app] : [])], runner, stopChores });
      rmSync(socketDirectory, { recursive: true, force: true });
    },
  };
}

/** Before anything is decided by them: their text is kept, and a start that brings others is in the audit log. */
async function keepPolicies({ db, clock, bundle }: Deployment): Promise<void> {
  await withAudit(db, { actor: { kind: "system", id: "serve" }, clock }, async (context) =>
    adoptPolicies(context, bundle),
  );
}

/** The address for runner nodes of other machines, when the configuration has one. */
async function listenForNodes(deployment: Deployment, { id: audience, handle: { db } }: State) {
  const { nodes } = deployment.config;
  if (!nodes) return undefined;
  const authenticator = createRunnerAuthenticator({ audience, findKey: async (name) => findNodeKey(db, name) });
  const app = await buildNodeApp(deployment, { authenticator, audience });
  return { app, url: await app.listen(nodes.listen) };
}

/** What holds guest code from here on is evidence: each start of the runner is in the audit log with it. */
function noteRunner({ db, clock, log }: Deployment, name: string, confinement: Confinement): void {
  const event = { action: "runner.started", subject: { kind: "runner", id: name }, detail: { confinement } };
  withAudit(db, { actor: { kind: "system", id: "serve" }, clock }, async (context) => record(context, event)).catch(
    (error: unknown) => log.error({ err: error }, "the start of the runner was not recorded"),
  );
}

/** The runner first: it reports what it finishes while the control plane still listens. */
async function closeAll(parts: {
  apps: { close(): Promise<unknown> }[];
  runner: LocalRunner;
  stopChores: () => Promise<void>;
}): Promise<void> {
  await parts.runner.stop();
  for (const app of parts.apps) await app.close();
  await parts.stopChores();
}

function runnerSettings(config: Config, confinement: Confinement): Record<string, unknown> {
  return {
    ...localCache(config),
    origin: "http://runner.invalid",
    logLevel: config.logLevel,
    confinement,
    jobs: config.runner.concurrentJobs,
    ...shareOfMachine(config.runner),
    memoryBytes: config.jobLimits.interactive.memoryBytes,
  };
}

/** The policies, with what development mode takes back of them. */
function bundleOf({ policiesDirectory, probing }: Config): Deployment["bundle"] {
  const bundle = loadPolicyBundle(policiesDirectory);
  if (probing === "suspend") return bundle;
  const { security } = bundle;
  return { ...bundle, security: { ...security, repeated_blocks: { ...security.repeated_blocks, suspends: false } } };
}
