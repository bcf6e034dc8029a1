import t from "tap";
import { readConfig, readNodeConfig } from "#config/index.ts";
import { isAppError } from "#kernel/errors.ts";

const server = (env: Record<string, string>, flags = {}) => readConfig(env, { development: true, ...flags });
const node = (env: Record<string, string>, flags = {}) =>
  readNodeConfig({ SLUICE_CONFINEMENT: "bubblewrap", ...env }, flags);

function problemsOf(read: () => unknown): string[] {
  try {
    read();
    return [];
  } catch (error) {
    if (isAppError(error, "configuration_invalid")) return error.details?.["problems"] as string[];
    throw error;
  }
}

t.test("by default nothing leaves the machine", async (t) => {
  t.match(server({}), {
    storage: { kind: "directory" },
    objectKey: { kind: "file", given: false, path: /keys\/seal\.key$/ },
    nodes: undefined,
    replica: undefined,
  });
});

t.test("an S3 storage is read whole", async (t) => {
  const key = { SLUICE_OBJECT_KEY_FILE: "/etc/sluice/object.key" };
  t.match(server({ ...key, SLUICE_STORAGE: "s3://city-data/sluice/east/" }), {
    storage: { kind: "s3", bucket: "city-data", prefix: "sluice/east/", endpoint: undefined, pathStyle: false },
    objectKey: { kind: "file", given: true, path: "/etc/sluice/object.key" },
  });
  const own = { SLUICE_STORAGE: "s3://city", SLUICE_STORAGE_ENDPOINT: "https://s3.example.test" };
  t.match(server({ ...key, ...own }), { storage: { prefix: "", pathStyle: true } });
});

t.test("an unsafe or half-said storage stops the process", async (t) => {
  const key = { SLUICE_OBJECT_KEY_FILE: "/k" };
  const s3 = { SLUICE_STORAGE: "s3://city" };
  const bad: [Record<string, string>, RegExp][] = [
    [s3, /SLUICE_OBJECT_KEY_FILE or SLUICE_OBJECT_KEY_COMMAND: required/],
    [{ ...key, SLUICE_STORAGE: "https://city" }, /SLUICE_STORAGE/],
    [{ ...key, SLUICE_STORAGE: "s3://City_Data" }, /SLUICE_STORAGE/],
    [{ ...key, SLUICE_STORAGE: "s3://city/a b" }, /SLUICE_STORAGE/],
    [{ ...key, ...s3, SLUICE_STORAGE_ENDPOINT: "http://s3.example.test" }, /https is required/],
    [{ SLUICE_STORAGE_ENDPOINT: "https://s3.example.test" }, /means nothing without/],
    [{ ...key, SLUICE_OBJECT_KEY_COMMAND: "/c" }, /give one of them/],
    [{ SLUICE_OBJECT_KEY_FILE: "object.key" }, /absolute/],
  ];
  for (const [env, problem] of bad) t.match(problemsOf(() => server(env)).join(), problem, JSON.stringify(env));
  t.strictSame(
    problemsOf(() => server({ ...key, ...s3, SLUICE_STORAGE_ENDPOINT: "http://127.0.0.1:9000" })),
    [],
  );
});

t.test("nodes are listened for beyond loopback only through TLS", async (t) => {
  const beyond = { SLUICE_NODES_HOST: "10.0.0.5" };
  t.match(problemsOf(() => server(beyond)).join(), /SLUICE_NODES_HOST: 10\.0\.0\.5 is not loopback/);
  t.match(problemsOf(() => server({ SLUICE_NODES_PORT: "8443" })).join(), /SLUICE_NODES_HOST: required/);
  t.match(problemsOf(() => server({ ...beyond, SLUICE_NODES_TLS_CERT: "/c" })).join(), /give both or none/);
  const tls = { SLUICE_NODES_TLS_CERT: "/c", SLUICE_NODES_TLS_KEY: "/k" };
  t.match(server({ ...beyond, ...tls }), { nodes: { listen: { host: "10.0.0.5", port: 8443 }, tls: { key: "/k" } } });
  t.match(server({ ...beyond, SLUICE_NODES_URL: "https://nodes.example.test" }), { nodes: { tls: undefined } });
  t.match(server({ SLUICE_NODES_HOST: "127.0.0.2" }), { nodes: { listen: { host: "127.0.0.2" } } });
  t.match(server(beyond, { insecureHttp: true }).warnings.join(), /nodes/);
});

t.test("a runner node refuses plain http beyond loopback, and what is no confinement", async (t) => {
  t.match(node({ SLUICE_CONTROL_PLANE: "https://nodes.example.test:8443" }), {
    controlPlane: "https://nodes.example.test:8443",
    confinement: ["bubblewrap"],
    warnings: [],
  });
  t.match(node({}, { controlPlane: "http://127.0.0.1:1" }), { controlPlane: "http://127.0.0.1:1" });
  const bad: [Record<string, string>, RegExp][] = [
    [{}, /SLUICE_CONTROL_PLANE: required/],
    [{ SLUICE_CONTROL_PLANE: "http://nodes.example.test" }, /https is required/],
    [{ SLUICE_CONTROL_PLANE: "https://nodes.example.test/path" }, /scheme, host and port only/],
    [{ SLUICE_CONTROL_PLANE: "https://a.test", SLUICE_CONFINEMENT: "process" }, /process is no confinement/],
    [{ SLUICE_CONTROL_PLANE: "https://a.test", SLUICE_CONFINEMENT: "" }, /SLUICE_CONFINEMENT: required/],
    [{ SLUICE_CONTROL_PLANE: "https://a.test", SLUICE_RUNNER_NAME: "N 1" }, /SLUICE_RUNNER_NAME/],
    [{ SLUICE_CONTROL_PLANE: "https://a.test", SLUICE_CACHE_BYTES: "1" }, /SLUICE_CACHE_BYTES/],
  ];
  for (const [env, problem] of bad) t.match(problemsOf(() => node(env)).join(), problem, JSON.stringify(env));
  const insecure = node(
    { SLUICE_CONTROL_PLANE: "http://nodes.example.test" },
    { insecureHttp: true, development: true },
  );
  t.match(insecure.warnings.join(), /without TLS/);
});
