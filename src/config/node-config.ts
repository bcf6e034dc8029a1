import { resolve } from "node:path";
import { Name } from "#contract/common.ts";
import { AppError } from "#kernel/errors.ts";
import { type Config, type Confinement, CONFINEMENTS, CONTROL_GROUP } from "./config.ts";
import { isLoopback } from "./loopback.ts";
import { bytes, createSettingsReader, integer, listOf, oneOf, type SettingsReader, text, url } from "./settings.ts";
import { LOG_LEVELS } from "./log-levels.ts";

/** Flags of `sluice runner`. */
export interface NodeFlags {
  controlPlane?: string | undefined;
  dataDirectory?: string | undefined;
  name?: string | undefined;
  development?: boolean | undefined;
  insecureHttp?: boolean | undefined;
}

/** What a runner node needs; it has no database and none of the deployment's keys. */
export interface NodeConfig {
  /** Origin of the control plane's address for runner nodes. */
  controlPlane: string;
  /** Absolute; holds the node's key and its cache. */
  dataDirectory: string;
  /** Needed for the enrolment only: the node remembers it. */
  name: string | undefined;
  enrolmentToken: string | undefined;
  /** Holds the token, instead. */
  enrolmentTokenFile: string | undefined;
  /** Certificates (PEM) that are believed besides those that Node brings. */
  caFile: string | undefined;
  concurrentJobs: number;
  /** For jobs, by the limits of their classes; undefined: three quarters of the machine's. */
  memoryBytes: number | undefined;
  /** Processes that stay warm; undefined: by memory. */
  idleProcesses: number | undefined;
  /** Of each engine; undefined: the processors, shared by the jobs. */
  engineThreads: number | undefined;
  cacheBytes: number;
  confinement: readonly Confinement[];
  controlGroup: Config["controlGroup"];
  logLevel: Config["logLevel"];
  warnings: readonly string[];
}

const GIB = 1024 ** 3;

const nodeName = { schema: Name, parse: (value: string): unknown => value, expected: "a lower-case name" };

/** Pure: environment and flags → configuration. Throws `configuration_invalid` with everything that is wrong. */
export function readNodeConfig(env: NodeJS.ProcessEnv, flags: NodeFlags): NodeConfig {
  const flagged = {
    SLUICE_CONTROL_PLANE: flags.controlPlane,
    SLUICE_DATA: flags.dataDirectory,
    SLUICE_RUNNER_NAME: flags.name,
  };
  const given = Object.fromEntries(Object.entries(flagged).filter(([, value]) => value !== undefined));
  const reader = createSettingsReader({ ...env, ...given });
  const config = {
    controlPlane: readControlPlane(reader, flags),
    dataDirectory: resolve(reader.read("SLUICE_DATA", text) ?? ".sluice-runner"),
    name: reader.read("SLUICE_RUNNER_NAME", nodeName),
    enrolmentToken: reader.read("SLUICE_ENROLMENT_TOKEN", text),
    enrolmentTokenFile: reader.read("SLUICE_ENROLMENT_TOKEN_FILE", text),
    caFile: reader.read("SLUICE_CA_FILE", text),
    concurrentJobs: reader.read("SLUICE_RUNNER_JOBS", integer(1, 256)) ?? 2,
    memoryBytes: reader.read("SLUICE_RUNNER_MEMORY", bytes(64 * 1024 ** 2, 16_384 * GIB)),
    idleProcesses: reader.read("SLUICE_RUNNER_IDLE", integer(0, 1000)),
    engineThreads: reader.read("SLUICE_RUNNER_THREADS", integer(1, 1024)),
    cacheBytes: reader.read("SLUICE_CACHE_BYTES", bytes(1024 ** 2, 1024 ** 2 * GIB)) ?? 64 * GIB,
    controlGroup: reader.read("SLUICE_CONTROL_GROUP", oneOf(CONTROL_GROUP)) ?? "preferred",
    confinement: readConfinement(reader, flags),
    logLevel: reader.read("SLUICE_LOG_LEVEL", oneOf(LOG_LEVELS)) ?? "info",
  };
  const { problems } = reader;
  if (config.enrolmentToken !== undefined && config.enrolmentTokenFile !== undefined) {
    problems.push("SLUICE_ENROLMENT_TOKEN, SLUICE_ENROLMENT_TOKEN_FILE: give one of them");
  }
  if (problems.length > 0) {
    const message = `the configuration is unsafe or incomplete:\n${problems.map((line) => `- ${line}`).join("\n")}`;
    throw new AppError("configuration_invalid", message, { details: { problems } });
  }
  return { ...config, warnings: warningsOf(config) };
}

function readControlPlane(reader: SettingsReader, flags: NodeFlags): string {
  const address = reader.read("SLUICE_CONTROL_PLANE", url(["https:", "http:"]));
  if (address === undefined) {
    reader.problems.push("SLUICE_CONTROL_PLANE: required (--control-plane), the server's address for runner nodes");
    return "";
  }
  const { protocol, hostname, origin, pathname, search, username } = new URL(address);
  if (pathname !== "/" || search !== "" || username !== "") {
    reader.problems.push("SLUICE_CONTROL_PLANE: expected scheme, host and port only");
  }
  if (protocol !== "https:" && !isLoopback(hostname) && flags.insecureHttp !== true) {
    reader.problems.push(
      "SLUICE_CONTROL_PLANE: https is required beyond loopback, or accept http with --insecure-http",
    );
  }
  return origin;
}

function readConfinement(reader: SettingsReader, { development }: NodeFlags): readonly Confinement[] {
  const accepted =
    reader.read("SLUICE_CONFINEMENT", listOf(CONFINEMENTS)) ?? (development === true ? CONFINEMENTS : []);
  if (development !== true && accepted.includes("process")) {
    reader.problems.push("SLUICE_CONFINEMENT: process is no confinement; only --development accepts it");
  }
  if (accepted.length === 0) {
    reader.problems.push("SLUICE_CONFINEMENT: required (bubblewrap, landlock), unless --development is given");
  }
  return accepted;
}

function warningsOf({ controlPlane, confinement }: Pick<NodeConfig, "controlPlane" | "confinement">): string[] {
  const { protocol, hostname } = new URL(controlPlane);
  const exposed = protocol === "http:" && !isLoopback(hostname);
  return [
    ...(exposed ? ["http without TLS to the control plane: jobs and data can be read on the network"] : []),
    ...(confinement.includes("process")
      ? ["confinement: jobs may run as plain child processes, without a sandbox"]
      : []),
  ];
}
