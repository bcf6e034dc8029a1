/**
 * The architecture as data: who may import whom, which packages belong to which folder, which words are out.
 * A change here is a change of architecture and belongs in ARCHITECTURE.md or an ADR.
 */

const GROUND = ["kernel", "contract", "policy", "persistence", "audit"];
const NOUNS = [...GROUND, "identity", "authority", "catalogue"];
const SERVER = [
  ...NOUNS,
  "scheduling",
  "jobs",
  "egress",
  "decisions",
  "security",
  "metering",
  "nodes",
  "config",
  "chores",
  "webhooks",
  "retention",
  "backup",
];
const EVERYTHING = [...SERVER, "control-plane", "client", "runner", "engine", "isolate", "cli"];

/** Folder of `src` → folders that it may import. A folder that is not named here may not exist. */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  kernel: [],
  contract: ["kernel"],
  policy: ["kernel", "contract"],
  config: ["kernel", "contract"],
  persistence: ["kernel", "contract"],
  audit: ["kernel", "contract", "persistence"],
  identity: GROUND,
  chores: GROUND,
  webhooks: [...GROUND, "chores"],
  retention: GROUND,
  backup: GROUND,
  authority: [...GROUND, "identity"],
  catalogue: [...GROUND, "identity", "authority"],
  decisions: GROUND,
  scheduling: GROUND,
  jobs: [...NOUNS, "scheduling"],
  egress: [...NOUNS, "scheduling", "jobs"],
  security: [...NOUNS, "jobs", "egress"],
  metering: [...NOUNS, "jobs", "egress"],
  nodes: [...NOUNS, "jobs"],
  "control-plane": SERVER,
  // the worker side: no database, no signing key
  client: ["kernel", "contract"],
  runner: ["kernel", "contract", "client"],
  engine: ["kernel", "contract"],
  isolate: ["kernel", "contract"],
  // besides the client: what works without a server on the data directory, tokens, the audit log and policies
  cli: ["kernel", "contract", "client", "config", "persistence", "audit", "identity", "policy"],
  console: ["contract", "client"],
  // wiring
  bin: EVERYTHING,
  demo: [...EVERYTHING, "bin"],
};

/** Folders whose files may be imported one by one; every other folder is entered through its index.ts. */
export const OPEN_FOLDERS: readonly string[] = ["kernel", "contract"];
/** Folders without an index.ts: open ones, and those that nothing imports. */
export const WITHOUT_INDEX: readonly string[] = [...OPEN_FOLDERS, "bin", "demo", "console"];
/** Sub-folders that the rest of their own folder enters file by file. */
export const OPEN_SUBFOLDERS: readonly string[] = ["src/control-plane/routes", "src/control-plane/plugins"];

/** Package → the folders that may import it. A package that is not named is free. */
export const PACKAGE_OWNERS: Readonly<Record<string, readonly string[]>> = {
  "@cedar-policy/cedar-wasm": ["policy"],
  "@duckdb/node-api": ["engine"],
  "@electric-sql/pglite": ["persistence"],
  fastify: ["control-plane"],
  "isolated-vm": ["isolate"],
  // a node signs its requests with a key of its own
  jose: ["identity", "runner"],
  "@aws-sdk/client-s3": ["persistence"],
  kysely: [
    "persistence",
    "audit",
    "identity",
    "authority",
    "catalogue",
    "scheduling",
    "jobs",
    "egress",
    "decisions",
    "security",
    "metering",
    "nodes",
    "chores",
    "webhooks",
    "retention",
    "backup",
    "control-plane",
  ],
  commander: ["cli", "bin"],
  undici: ["client", "runner", "webhooks"],
};

/** Only these read argv, the environment or signals: everything else is given what it needs. */
export const PROCESS_READERS: readonly string[] = [
  "src/bin/",
  "src/demo/",
  "src/engine/native/build.ts",
  "src/engine/native/fuzz.ts",
  "sandbox-images/",
  "test/",
  "benchmarks/",
];

/** Words that say nothing about what a file does. */
export const BANNED_NAMES: readonly string[] = [
  "util",
  "utils",
  "helper",
  "helpers",
  "common",
  "manager",
  "managers",
  "service",
  "services",
  "impl",
  "base",
  "misc",
  "shared",
  "lib",
  "stuff",
];
export const ALLOWED_NAMES: readonly string[] = ["src/contract/common.ts"];

export const MAX_LINES = 300;
/** Run-time names of an index: more than the first is worth a thought, more than the second fails. */
export const MANY_EXPORTS = 10;
export const MAX_EXPORTS = 15;

/**
 * Words of the place where this is built, which the product must not know. Joined here, so that this file does
 * not hold them. `outside` is where tests and benchmarks may look for optional data.
 */
export const WORKPLACE = {
  never: [
    ["", "work", ""].join("/"),
    ["before", "stop"].join("-"),
    ["issues", "show"].join(" "),
    ["shared", "design"].join("/"),
    ["shared", "research"].join("/"),
    ["shared", "prototypes"].join("/"),
    ["shared", "hooks"].join("/"),
  ],
  outside: ["..", "shared"].join("/"),
  outsideAllowedIn: ["test/", "benchmarks/"],
};
