import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import type { NodeConfig } from "#config/index.ts";
import { lockDirectory } from "#persistence/index.ts";
import { createPool, enrolOnce } from "#runner/index.ts";
import { startLocalRunner } from "./local-runner.ts";
import { shareOfMachine } from "./machine-share.ts";
import { requireConfinement } from "./require-confinement.ts";

export interface RunningNode {
  name: string;
  /** Takes no more work, finishes what it has, at most the grace time, and ends. */
  close(): Promise<void>;
}

/** Of an isolate; an engine's limit is its job class's. */
const ISOLATE_BYTES = 1024 ** 3;

/**
 * Starts a runner node: enrols it if it is not, and keeps one runner process at work for a control plane elsewhere.
 * Throws `configuration_invalid` when anything is unsafe or missing.
 */
export async function startNode(config: NodeConfig): Promise<RunningNode> {
  const log = pino({ level: config.logLevel, base: { process: "node" } });
  const confinement = await requireConfinement(config, log);
  for (const warning of config.warnings) log.warn({ warning }, "development shortcut in force");
  mkdirSync(config.dataDirectory, { recursive: true, mode: 0o700 });
  const unlock = await lockDirectory(join(config.dataDirectory, "lock"));
  try {
    const { name, audience } = await enrol(config);
    const runner = startLocalRunner(
      {
        ...runnerSettings(config),
        name,
        confinement,
        credential: { kind: "node", directory: config.dataDirectory, audience, name },
      },
      log,
      {
        onStart: () => log.info({ name, controlPlane: config.controlPlane, confinement }, "the runner is started"),
        // the control plane gives them to others when they run out
        onLost: async () => undefined,
      },
    );
    return {
      name,
      close: async () => {
        await runner.stop();
        await unlock();
      },
    };
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function enrol(config: NodeConfig): Promise<{ name: string; audience: string }> {
  const { controlPlane, dataDirectory: directory, name } = config;
  const token = tokenOf(config);
  const dispatcher = createPool({ origin: controlPlane, ...caOf(config) });
  try {
    return await enrolOnce({ directory, controlPlane, dispatcher, name, token });
  } finally {
    await dispatcher.close();
  }
}

/** A file that is gone is no token: the node may have enrolled long ago. */
function tokenOf({ enrolmentToken, enrolmentTokenFile: path }: NodeConfig): string | undefined {
  if (path === undefined || !existsSync(path)) return enrolmentToken;
  return readFileSync(path, "utf8").trim();
}

function caOf({ caFile }: NodeConfig): { ca?: string } {
  return caFile === undefined ? {} : { ca: readFileSync(caFile, "utf8") };
}

/** Jobs only: a node never sees a source, nor another scenario's release. */
function runnerSettings(config: NodeConfig): Record<string, unknown> {
  const { controlPlane: origin, dataDirectory, cacheBytes, concurrentJobs: jobs, logLevel } = config;
  return {
    ...caOf(config),
    origin,
    logLevel,
    jobs,
    ingests: 0,
    renders: 0,
    ...shareOfMachine(config),
    memoryBytes: ISOLATE_BYTES,
    cache: { directory: join(dataDirectory, "cache"), limitBytes: cacheBytes, inPlace: false },
  };
}
