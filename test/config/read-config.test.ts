import { join, resolve } from "node:path";
import tap from "tap";
import { type Config, describeConfig, readConfig, type ServeFlags } from "#config/index.ts";
import { AppError } from "#kernel/errors.ts";

const OIDC = {
  SLUICE_OIDC_ISSUER: "https://id.example.test",
  SLUICE_OIDC_AUDIENCE: "sluice",
  SLUICE_OIDC_JWKS_URL: "https://id.example.test/jwks.json",
};
const PRODUCTION = { ...OIDC, SLUICE_CONFINEMENT: "bubblewrap" };
const development: ServeFlags = { development: true };

function problemsOf(env: NodeJS.ProcessEnv, flags: ServeFlags = {}): string[] {
  try {
    readConfig(env, flags);
    return [];
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "configuration_invalid") throw error;
    return (error.details as { problems: string[] }).problems;
  }
}

await tap.test("development without any setting has safe places and says what it shortcuts", async (t) => {
  const config = readConfig({}, development);
  t.match(config, {
    development: true,
    dataDirectory: resolve(".sluice"),
    database: { kind: "embedded", directory: resolve(".sluice/database") },
    listen: { host: "127.0.0.1", port: 8080 },
    oidc: undefined,
    sourceRoots: [],
    policiesDirectory: resolve(import.meta.dirname, "../../policies"),
    bodyLimitBytes: 1_048_576,
    confinement: ["bubblewrap", "landlock", "process"],
    controlGroup: "preferred",
    probing: "alarm",
  });
  t.equal(config.warnings.length, 3);
});

await tap.test("production with its settings starts without a warning", async (t) => {
  const config = readConfig(PRODUCTION, {});
  t.strictSame(config.warnings, []);
  t.match(config.oidc, {
    issuer: "https://id.example.test",
    audience: "sluice",
    algorithms: ["EdDSA", "ES256", "RS256", "PS256"],
  });
  t.strictSame(config.confinement, ["bubblewrap"]);
});

await tap.test("production without settings names everything that is missing, at once", async (t) => {
  const problems = problemsOf({});
  t.equal(problems.length, 2);
  t.match(problems[0], /^SLUICE_OIDC_ISSUER/);
  t.match(problems[1], /^SLUICE_CONFINEMENT/);
});

await tap.test("every setting is read", async (t) => {
  const env = {
    ...PRODUCTION,
    SLUICE_DATA: "/var/lib/sluice",
    SLUICE_DATABASE_URL: "postgres://sluice:geheim@db.internal:5432/sluice?sslmode=verify-full",
    SLUICE_DATABASE_POOL: "20",
    SLUICE_HOST: "0.0.0.0",
    SLUICE_PORT: "9000",
    SLUICE_PUBLIC_URL: "https://sluice.example.test",
    SLUICE_OIDC_ALGORITHMS: "ES256, EdDSA",
    SLUICE_SOURCE_ROOTS: "/data/a:/data/b/../c",
    SLUICE_POLICIES: "/etc/sluice/policies",
    SLUICE_LOG_LEVEL: "debug",
    SLUICE_RATE_LIMIT: "60",
    SLUICE_BODY_LIMIT: "2 MiB",
    SLUICE_INTERACTIVE_WALL_SECONDS: "5",
    SLUICE_INTERACTIVE_MEMORY: "512MiB",
    SLUICE_BATCH_MAX_ROWS: "7",
    SLUICE_BATCH_MAX_BYTES: "4096",
    SLUICE_RUNNER_JOBS: "4",
    SLUICE_LEASE_SECONDS: "12",
    SLUICE_RUNNER_INGESTS: "2",
    SLUICE_CONFINEMENT: "bubblewrap,landlock",
    SLUICE_CONTROL_GROUP: "required",
  };
  const config = readConfig(env, { sourceRoots: ["/data/d"] });
  t.match(config, {
    dataDirectory: "/var/lib/sluice",
    database: { kind: "postgres", url: env.SLUICE_DATABASE_URL, poolSize: 20 },
    listen: { host: "0.0.0.0", port: 9000 },
    publicUrl: "https://sluice.example.test",
    oidc: { algorithms: ["ES256", "EdDSA"] },
    sourceRoots: ["/data/a", "/data/c", "/data/d"],
    policiesDirectory: "/etc/sluice/policies",
    logLevel: "debug",
    rateLimit: { requestsPerMinute: 60 },
    bodyLimitBytes: 2_097_152,
    runner: { concurrentJobs: 4, concurrentIngests: 2 },
    leaseMs: 12_000,
    confinement: ["bubblewrap", "landlock"],
    controlGroup: "required",
    warnings: [],
  });
  t.match(config.jobLimits.interactive, { wallMs: 5000, memoryBytes: 536_870_912 });
  t.match(config.jobLimits.batch, { maxRows: 7, maxBytes: 4096 });
});

await tap.test("a flag wins over its variable", async (t) => {
  const env = { ...PRODUCTION, SLUICE_DATA: "/a", SLUICE_HOST: "127.0.0.2", SLUICE_PORT: "1" };
  const config = readConfig(env, { dataDirectory: "/b", host: "::1", port: 0 });
  t.match(config, { dataDirectory: "/b", listen: { host: "::1", port: 0 } });
  t.equal(config.database.kind === "embedded" && config.database.directory, join("/b", "database"));
});

await tap.test("an empty variable counts as absent", async (t) => {
  t.match(readConfig({ ...PRODUCTION, SLUICE_DATA: "", SLUICE_PORT: " " }, {}), { listen: { port: 8080 } });
});

const refused: [what: string, env: NodeJS.ProcessEnv, flags: ServeFlags, problem: RegExp][] = [
  ["a port beyond 65535", { SLUICE_PORT: "65536" }, {}, /^SLUICE_PORT/],
  ["a port that is no number", { SLUICE_PORT: "0x50" }, {}, /^SLUICE_PORT/],
  ["a flag port beyond 65535", {}, { port: 70_000 }, /^--port/],
  ["a flag port that is no number", {}, { port: Number.NaN }, /^--port/],
  ["http beyond loopback", { SLUICE_HOST: "0.0.0.0" }, {}, /^SLUICE_HOST/],
  ["http on every IPv6 address", { SLUICE_HOST: "::" }, {}, /^SLUICE_HOST/],
  ["http on a name", { SLUICE_HOST: "sluice.internal" }, {}, /^SLUICE_HOST/],
  ["a name that only looks like loopback", {}, { host: "127.0.0.1.evil.test" }, /^SLUICE_HOST/],
  [
    "beyond loopback behind plain http",
    { SLUICE_HOST: "10.0.0.1", SLUICE_PUBLIC_URL: "http://localhost" },
    {},
    /^SLUICE_HOST/,
  ],
  ["a public address without TLS", { SLUICE_PUBLIC_URL: "http://sluice.example.test" }, {}, /^SLUICE_PUBLIC_URL/],
  ["a public address that is none", { SLUICE_PUBLIC_URL: "sluice" }, {}, /^SLUICE_PUBLIC_URL/],
  ["keys over http", { SLUICE_OIDC_JWKS_URL: "http://id.example.test/jwks" }, {}, /^SLUICE_OIDC_JWKS_URL: https/],
  ["keys from a file", { SLUICE_OIDC_JWKS_URL: "file:///etc/passwd" }, {}, /^SLUICE_OIDC_JWKS_URL/],
  ["half an OIDC source", { SLUICE_OIDC_AUDIENCE: "" }, {}, /belong together/],
  ["the development issuer as OIDC", { SLUICE_OIDC_ISSUER: "urn:sluice:development" }, {}, /^SLUICE_OIDC_ISSUER/],
  ["a symmetric algorithm", { SLUICE_OIDC_ALGORITHMS: "HS256" }, {}, /^SLUICE_OIDC_ALGORITHMS/],
  ["a scenario that is none", { SLUICE_JIT_SCENARIOS: "town,Village" }, {}, /^SLUICE_JIT_SCENARIOS/],
  ["algorithm none", { SLUICE_OIDC_ALGORITHMS: "EdDSA,none" }, {}, /^SLUICE_OIDC_ALGORITHMS/],
  ["no confinement in production", { SLUICE_CONFINEMENT: "process" }, {}, /^SLUICE_CONFINEMENT: process/],
  ["no confinement as a way out", { SLUICE_CONFINEMENT: "bubblewrap,process" }, {}, /^SLUICE_CONFINEMENT: process/],
  ["an unknown confinement", { SLUICE_CONFINEMENT: "docker" }, {}, /^SLUICE_CONFINEMENT: expected/],
  ["a confinement twice", { SLUICE_CONFINEMENT: "bubblewrap,bubblewrap" }, {}, /^SLUICE_CONFINEMENT: expected/],
  ["half a control group", { SLUICE_CONTROL_GROUP: "optional" }, {}, /^SLUICE_CONTROL_GROUP: expected/],
  ["another database", { SLUICE_DATABASE_URL: "mysql://geheim@x/y" }, {}, /^SLUICE_DATABASE_URL/],
  ["a pool of one", { SLUICE_DATABASE_URL: "postgres://x/y", SLUICE_DATABASE_POOL: "1" }, {}, /^SLUICE_DATABASE_POOL/],
  ["a relative source root", { SLUICE_SOURCE_ROOTS: "data" }, {}, /^SLUICE_SOURCE_ROOTS/],
  ["an empty source root", { SLUICE_SOURCE_ROOTS: "/data:" }, {}, /^SLUICE_SOURCE_ROOTS/],
  ["the whole file system as source root", { SLUICE_SOURCE_ROOTS: "/data/.." }, {}, /^SLUICE_SOURCE_ROOTS/],
  ["the whole file system by flag", {}, { sourceRoots: ["/"] }, /^SLUICE_SOURCE_ROOTS/],
  ["an unknown log level", { SLUICE_LOG_LEVEL: "verbose" }, {}, /^SLUICE_LOG_LEVEL/],
  ["a rate limit of nothing", { SLUICE_RATE_LIMIT: "0" }, {}, /^SLUICE_RATE_LIMIT/],
  ["a negative limit", { SLUICE_BODY_LIMIT: "-1" }, {}, /^SLUICE_BODY_LIMIT/],
  ["an unknown unit", { SLUICE_BODY_LIMIT: "1MB" }, {}, /^SLUICE_BODY_LIMIT/],
  ["memory too small for DuckDB", { SLUICE_BATCH_MEMORY: "1MiB" }, {}, /^SLUICE_BATCH_MEMORY/],
  ["an output larger than a frame", { SLUICE_BATCH_MAX_BYTES: "64MiB" }, {}, /^SLUICE_BATCH_MAX_BYTES/],
  ["no wall time", { SLUICE_INTERACTIVE_WALL_SECONDS: "0" }, {}, /^SLUICE_INTERACTIVE_WALL_SECONDS/],
];

await tap.test("an unsafe or malformed value stops the start, in production", async (t) => {
  for (const [what, env, flags, problem] of refused) {
    const problems = problemsOf({ ...PRODUCTION, ...env }, flags);
    t.equal(problems.length, 1, what);
    t.match(problems[0], problem, what);
    t.notMatch(problems[0], "geheim");
  }
});

await tap.test("problems of all kinds are told together", async (t) => {
  const problems = problemsOf(
    { SLUICE_PORT: "x", SLUICE_HOST: "0.0.0.0", SLUICE_LOG_LEVEL: "x" },
    { sourceRoots: ["/"] },
  );
  t.equal(problems.length, 6);
});

await tap.test("keys over http are accepted from loopback", async (t) => {
  for (const host of ["127.0.0.1", "localhost", "[::1]", "127.8.9.1"]) {
    const env = { ...PRODUCTION, SLUICE_OIDC_JWKS_URL: `http://${host}:1234/jwks` };
    t.strictSame(problemsOf(env), []);
  }
});

const shortcuts: [what: string, env: NodeJS.ProcessEnv, flags: ServeFlags, warning: RegExp][] = [
  ["plain http", { SLUICE_HOST: "0.0.0.0" }, { insecureHttp: true }, /http without TLS/],
  ["development", {}, development, /development mode/],
  ["probing goes on", {}, development, /probing/],
  ["plain processes", { SLUICE_CONFINEMENT: "landlock,process" }, development, /confinement/],
  ["a plain database connection", { SLUICE_DATABASE_URL: "postgres://db.internal/x" }, {}, /database/],
  ["a database that may do without TLS", { SLUICE_DATABASE_URL: "postgres://db/x?sslmode=prefer" }, {}, /database/],
];

await tap.test("each shortcut in force is listed, and no other", async (t) => {
  for (const [what, env, flags, warning] of shortcuts) {
    const { warnings } = readConfig({ ...PRODUCTION, ...env }, flags);
    t.ok(
      warnings.some((line) => warning.test(line)),
      what,
    );
  }
  for (const url of [
    "postgres://127.0.0.1/x",
    "postgres:///x?host=/run/postgresql",
    "postgres://db/x?sslmode=require",
  ]) {
    t.strictSame(readConfig({ ...PRODUCTION, SLUICE_DATABASE_URL: url }, {}).warnings, []);
  }
  t.strictSame(
    readConfig({ ...PRODUCTION, SLUICE_PROBING: "suspend" }, { ...development }).warnings.length,
    1,
    "a confined development server that suspends",
  );
  t.match(problemsOf({ ...PRODUCTION, SLUICE_PROBING: "alarm" }), [/SLUICE_PROBING/], "production always suspends");
  t.equal(readConfig(PRODUCTION, {}).probing, "suspend");
});

await tap.test("a described configuration holds no secret", async (t) => {
  const urls = [
    "postgres://sluice:geheim@db.internal:5432/sluice",
    "postgres://db.internal/sluice?user=sluice&password=geheim",
    "postgres://db.internal/sluice?sslpassword=geheim&application_name=x",
  ];
  for (const url of urls) {
    const described = describeConfig(readConfig({ ...PRODUCTION, SLUICE_DATABASE_URL: url }, {}));
    t.notMatch(JSON.stringify(described), "geheim");
    t.match(JSON.stringify(described), "db.internal");
  }
  const keys = { ...PRODUCTION, SLUICE_OIDC_JWKS_URL: "https://a:geheim@id.example.test/jwks?token=geheim" };
  t.notMatch(JSON.stringify(describeConfig(readConfig(keys, {}))), "geheim");
});

await tap.test("reading changes nothing and depends on nothing else", async (t) => {
  const env = Object.freeze({ ...PRODUCTION });
  const [first, second]: Config[] = [readConfig(env, {}), readConfig(env, {})];
  t.strictSame(first, second);
});
