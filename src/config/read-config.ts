import { delimiter, isAbsolute, join, resolve } from "node:path";
import { Type } from "typebox";
import { MAX_FRAME_BYTES } from "#contract/frame.ts";
import { AppError } from "#kernel/errors.ts";
import { checkSafety, listWarnings } from "./check-safety.ts";
import { type Config, CONFINEMENTS, CONTROL_GROUP, type JobClassLimits, PROBING, type ServeFlags } from "./config.ts";
import { LOG_LEVELS } from "./log-levels.ts";
import { readNodes } from "./read-nodes.ts";
import { readOidc } from "./read-oidc.ts";
import { readObjectKey, readStorage } from "./read-storage.ts";
import {
  bytes,
  createSettingsReader,
  hosts,
  integer,
  listOf,
  names,
  oneOf,
  type SettingsReader,
  text,
  url,
} from "./settings.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
/** The report of a job carries an output twice (as computed, as released) in one frame. */
const MAX_OUTPUT_BYTES = MAX_FRAME_BYTES / 2 - 2 * MIB;
const DEFAULT_POLICIES = resolve(import.meta.dirname, "../../policies");

const DEFAULT_LIMITS: Config["jobLimits"] = {
  interactive: { wallMs: 60_000, memoryBytes: GIB, maxRows: 100_000, maxBytes: 8 * MIB },
  batch: { wallMs: 600_000, memoryBytes: 2 * GIB, maxRows: 1_000_000, maxBytes: 16 * MIB },
};

/**
 * Pure: environment and flags → configuration; a flag wins over its variable. Throws AppError
 * `configuration_invalid` whose `details.problems` lists everything that is wrong at once.
 */
export function readConfig(env: NodeJS.ProcessEnv, flags: ServeFlags): Config {
  const reader = createSettingsReader(env);
  const config: Config = {
    ...readPlaces(reader, flags),
    ...readListening(reader, flags),
    nodes: readNodes(reader, flags),
    replica: reader.read("SLUICE_REPLICA", replicaName),
    cacheBytes: reader.read("SLUICE_CACHE_BYTES", bytes(MIB, MIB * GIB)) ?? 64 * GIB,
    development: flags.development === true,
    oidc: readOidc(reader),
    bootstrapOperator: reader.read("SLUICE_BOOTSTRAP_OPERATOR", text),
    logLevel: reader.read("SLUICE_LOG_LEVEL", oneOf(LOG_LEVELS)) ?? "info",
    rateLimit: { requestsPerMinute: reader.read("SLUICE_RATE_LIMIT", integer(1, 1_000_000)) ?? 600 },
    securityLogDays: reader.read("SLUICE_SECURITY_LOG_DAYS", integer(184, 36_500)) ?? 400,
    retention: readRetention(reader),
    webhookHosts: reader.read("SLUICE_WEBHOOK_HOSTS", hosts) ?? [],
    bodyLimitBytes: reader.read("SLUICE_BODY_LIMIT", bytes(1024, MAX_FRAME_BYTES)) ?? MIB,
    jobLimits: {
      interactive: readLimits(reader, "SLUICE_INTERACTIVE", DEFAULT_LIMITS.interactive),
      batch: readLimits(reader, "SLUICE_BATCH", DEFAULT_LIMITS.batch),
    },
    runner: readRunner(reader),
    leaseMs: (reader.read("SLUICE_LEASE_SECONDS", integer(5, 300)) ?? 30) * 1000,
    queue: {
      total: reader.read("SLUICE_QUEUE_LIMIT", integer(1, 1_000_000)) ?? 10_000,
      organisation: reader.read("SLUICE_QUEUE_LIMIT_ORGANISATION", integer(1, 1_000_000)) ?? 1_000,
    },
    jitScenarios: reader.read("SLUICE_JIT_SCENARIOS", names) ?? [],
    confinement:
      reader.read("SLUICE_CONFINEMENT", listOf(CONFINEMENTS)) ?? (flags.development === true ? CONFINEMENTS : []),
    controlGroup: reader.read("SLUICE_CONTROL_GROUP", oneOf(CONTROL_GROUP)) ?? "preferred",
    probing: reader.read("SLUICE_PROBING", oneOf(PROBING)) ?? (flags.development === true ? "alarm" : "suspend"),
    warnings: [],
  };
  const problems = [...reader.problems, ...checkSafety(config, flags, reader.problems)];
  if (problems.length > 0) refuse(problems);
  return { ...config, warnings: listWarnings(config) };
}

function readRetention(reader: SettingsReader): Config["retention"] {
  return {
    quarantineDays: reader.read("SLUICE_QUARANTINE_DAYS", integer(1, 36_500)) ?? 90,
    reviewDays: reader.read("SLUICE_REVIEW_DAYS", integer(1, 36_500)) ?? 30,
    releaseDays: reader.read("SLUICE_RELEASE_DAYS", integer(1, 36_500)) ?? 1_095,
  };
}

function readRunner(reader: SettingsReader): Config["runner"] {
  return {
    concurrentJobs: reader.read("SLUICE_RUNNER_JOBS", integer(0, 256)) ?? 2,
    concurrentIngests: reader.read("SLUICE_RUNNER_INGESTS", integer(0, 16)) ?? 1,
    memoryBytes: reader.read("SLUICE_RUNNER_MEMORY", bytes(64 * MIB, 16_384 * GIB)),
    idleProcesses: reader.read("SLUICE_RUNNER_IDLE", integer(0, 1000)),
    engineThreads: reader.read("SLUICE_RUNNER_THREADS", integer(1, 1024)),
  };
}

const replicaName = {
  schema: Type.String({ pattern: "^[A-Za-z0-9_.-]{1,60}$" }),
  parse: (value: string): unknown => value,
  expected: "letters, digits, _ . and -",
};

function refuse(problems: string[]): never {
  const message = `the configuration is unsafe or incomplete:\n${problems.map((line) => `- ${line}`).join("\n")}`;
  throw new AppError("configuration_invalid", message, { details: { problems } });
}

function readPlaces(reader: SettingsReader, flags: ServeFlags) {
  const dataDirectory = resolve(flags.dataDirectory ?? reader.read("SLUICE_DATA", text) ?? ".sluice");
  const policies = reader.read("SLUICE_POLICIES", text);
  const storage = readStorage(reader);
  const backups = reader.read("SLUICE_BACKUP_DIRECTORY", text);
  return {
    dataDirectory,
    storage,
    objectKey: readObjectKey(reader, { storage, dataDirectory }),
    database: readDatabase(reader, dataDirectory),
    sourceRoots: readSourceRoots(reader, flags),
    backupDirectory: backups === undefined ? undefined : resolve(backups),
    policiesDirectory: policies === undefined ? DEFAULT_POLICIES : resolve(policies),
  };
}

function readDatabase(reader: SettingsReader, dataDirectory: string): Config["database"] {
  const address = reader.read("SLUICE_DATABASE_URL", url(["postgres:", "postgresql:"]));
  const poolSize = reader.read("SLUICE_DATABASE_POOL", integer(2, 200)) ?? 10;
  const timeoutSeconds = reader.read("SLUICE_DATABASE_TIMEOUT_SECONDS", integer(1, 600)) ?? 15;
  if (address === undefined) return { kind: "embedded", directory: join(dataDirectory, "database") };
  return { kind: "postgres", url: address, poolSize, statementTimeoutMs: timeoutSeconds * 1000 };
}

/** A relative root would depend on where the server was started. */
function readSourceRoots(reader: SettingsReader, flags: ServeFlags): string[] {
  const listed = reader.read("SLUICE_SOURCE_ROOTS", text)?.split(delimiter) ?? [];
  for (const root of listed.filter((path) => !isAbsolute(path))) {
    reader.problems.push(`SLUICE_SOURCE_ROOTS: ${root === "" ? "an empty path" : root} is not absolute`);
  }
  const flagged = (flags.sourceRoots ?? []).map((path) => resolve(path));
  const roots = [...new Set([...listed.map((path) => resolve(path)), ...flagged])];
  if (roots.includes("/")) reader.problems.push("SLUICE_SOURCE_ROOTS: the whole file system is no source root");
  return roots;
}

function readListening(reader: SettingsReader, flags: ServeFlags) {
  const port = integer(0, 65_535);
  if (flags.port !== undefined && !(Number.isInteger(flags.port) && flags.port >= 0 && flags.port <= 65_535)) {
    reader.problems.push(`--port: expected ${port.expected}`);
  }
  const host = flags.host ?? reader.read("SLUICE_HOST", text) ?? "127.0.0.1";
  return {
    listen: { host, port: flags.port ?? reader.read("SLUICE_PORT", port) ?? 8080 },
    publicUrl: reader.read("SLUICE_PUBLIC_URL", url(["https:", "http:"])),
  };
}

function readLimits(reader: SettingsReader, prefix: string, defaults: JobClassLimits): JobClassLimits {
  const wallSeconds = reader.read(`${prefix}_WALL_SECONDS`, integer(1, 86_400));
  return {
    wallMs: wallSeconds === undefined ? defaults.wallMs : wallSeconds * 1000,
    memoryBytes: reader.read(`${prefix}_MEMORY`, bytes(64 * MIB, 1024 * GIB)) ?? defaults.memoryBytes,
    maxRows: reader.read(`${prefix}_MAX_ROWS`, integer(1, 100_000_000)) ?? defaults.maxRows,
    maxBytes: reader.read(`${prefix}_MAX_BYTES`, bytes(1024, MAX_OUTPUT_BYTES)) ?? defaults.maxBytes,
  };
}
