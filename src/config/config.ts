import type { JobClass } from "#contract/job.ts";
import type { LOG_LEVELS } from "./log-levels.ts";

/** Flags of `sluice serve`. */
export interface ServeFlags {
  development?: boolean | undefined;
  /** `--insecure-http`: listen beyond loopback without TLS in front. */
  insecureHttp?: boolean | undefined;
  dataDirectory?: string | undefined;
  host?: string | undefined;
  port?: number | undefined;
  sourceRoots?: readonly string[] | undefined;
}

export const CONFINEMENTS = ["bubblewrap", "landlock", "process"] as const;
/** How an engine or isolate process may be confined; `process` is none, for development only. */
export type Confinement = (typeof CONFINEMENTS)[number];

export const CONTROL_GROUP = ["required", "preferred"] as const;

export const PROBING = ["suspend", "alarm"] as const;

export const TOKEN_ALGORITHMS = ["EdDSA", "ES256", "RS256", "PS256"] as const;
export type TokenAlgorithm = (typeof TOKEN_ALGORITHMS)[number];

export interface OidcConfig {
  issuer: string;
  audience: string;
  jwksUrl: string;
  algorithms: readonly TokenAlgorithm[];
}

export interface JobClassLimits {
  wallMs: number;
  memoryBytes: number;
  maxRows: number;
  maxBytes: number;
}

/** Where objects and products lie besides the data directory. */
export type StorageConfig =
  | { kind: "directory" }
  | {
      kind: "s3";
      bucket: string;
      /** Empty, or ending in `/`. */
      prefix: string;
      region: string;
      endpoint: string | undefined;
      pathStyle: boolean;
    };

/** Where the key comes from that seals objects: a file, or a program that prints it in base64. */
export type ObjectKeyConfig = { kind: "file"; path: string; given: boolean } | { kind: "command"; path: string };

/** The address for runner nodes of other machines. */
export interface NodesConfig {
  listen: { host: string; port: number };
  /** Address under which nodes reach it, when a proxy stands before it. */
  publicUrl: string | undefined;
  /** Files of this server's own certificate and key. */
  tls: { certificate: string; key: string } | undefined;
}

export interface Config {
  development: boolean;
  /** Absolute. */
  dataDirectory: string;
  database:
    | { kind: "embedded"; directory: string }
    | { kind: "postgres"; url: string; poolSize: number; statementTimeoutMs: number };
  storage: StorageConfig;
  objectKey: ObjectKeyConfig;
  /** Bytes that products from a storage may take up on this machine. */
  cacheBytes: number;
  listen: { host: string; port: number };
  nodes: NodesConfig | undefined;
  /** Name of this server among the replicas; undefined: made of its host and address. */
  replica: string | undefined;
  /** Address under which clients reach the server, when a proxy with TLS stands before it. */
  publicUrl: string | undefined;
  oidc: OidcConfig | undefined;
  /** The organisation whose operator may declare the space while there is no organisation at all. */
  bootstrapOperator: string | undefined;
  /** Absolute directories that ingest may read from; none: no ingest from paths. */
  sourceRoots: readonly string[];
  /** Absolute. */
  policiesDirectory: string;
  logLevel: (typeof LOG_LEVELS)[number];
  rateLimit: { requestsPerMinute: number };
  /** Days for which events of the security log are kept, 184 (six months) at least. */
  securityLogDays: number;
  /** Days after which things end: see docs/operations.md. */
  retention: { quarantineDays: number; reviewDays: number; releaseDays: number };
  /** `host` or `host:port` to which webhooks may be sent. */
  webhookHosts: readonly string[];
  /** Where backups of a running server may be written to; absolute. */
  backupDirectory: string | undefined;
  bodyLimitBytes: number;
  jobLimits: Readonly<Record<JobClass, JobClassLimits>>;
  /** Work at once of the local runner; with 0 that kind of work is left to others. */
  runner: {
    concurrentJobs: number;
    concurrentIngests: number;
    /** Memory for jobs, by the limits of their classes; undefined: three quarters of the machine's. */
    memoryBytes: number | undefined;
    /** Most processes of each kind that wait idle; undefined: as many as half of the machine's memory holds. */
    idleProcesses: number | undefined;
    /** Threads of each engine; undefined: the processors, shared by the jobs that run at once. */
    engineThreads: number | undefined;
  };
  /** A runner that is silent for so long loses what it has to others; heartbeats come every second. */
  leaseMs: number;
  /** Most jobs that wait, in all and of one organisation. */
  queue: { total: number; organisation: number };
  /** Scenarios whose scripts may use an image with just-in-time compilation. */
  jitScenarios: readonly string[];
  /** Accepted confinements: the strongest that this machine can hold is taken. */
  confinement: readonly Confinement[];
  /** Whether confined processes must be in control groups, or may be held by limits of their own. */
  controlGroup: (typeof CONTROL_GROUP)[number];
  /** What repeated blocked results of a scenario do besides their alarm (R30). */
  probing: (typeof PROBING)[number];
  /** Shortcuts of development mode and of flags that are in force. */
  warnings: readonly string[];
}
