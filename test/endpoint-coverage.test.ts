import t from "tap";
import { pino } from "pino";
import { readConfig } from "#config/index.ts";
import { buildApp, buildNodeApp, createMetrics, createRefusalLog, type Deployment } from "#control-plane/index.ts";
import { ROLES } from "#contract/organisation.ts";
import { AppError } from "#kernel/errors.ts";
import { openTestDatabase } from "./persistence/databases.ts";

/** Calls that change nothing need no audit entry; `read` says so. */
const WRITING = new Set(["POST", "PUT", "PATCH", "DELETE"]);

const { handle } = await openTestDatabase(t, "embedded");
const routes: {
  method: string;
  url: string;
  config: { access?: { roles: readonly string[] | "open"; audit: string } };
  schema: { response?: unknown; operationId?: string | undefined };
}[] = [];
const deployment = {
  config: readConfig({}, { development: true, dataDirectory: "/nonexistent" }),
  handle,
  db: handle.db,
  metrics: createMetrics(handle.db),
  refusals: createRefusalLog(),
  log: pino({ level: "silent" }),
  authenticator: { authenticate: async () => Promise.reject(new Error("nobody is authenticated here")) },
} as unknown as Deployment;
const app = await buildApp(deployment, {
  isStopping: () => false,
  onRoute: (route) => {
    for (const method of [route.method].flat()) {
      if (method !== "HEAD")
        routes.push({ method, url: route.url, config: route.config ?? {}, schema: route.schema ?? {} });
    }
  },
});
t.teardown(async () => app.close());

t.test("there are routes to look at", async (t) => {
  t.ok(routes.length >= 30, `${routes.length} routes`);
});

t.test("every route says who may call it and what it writes to the audit log", async (t) => {
  for (const { method, url, config } of routes) {
    const { access } = config;
    t.ok(access, `${method} ${url} declares its access`);
    if (!access) continue;
    if (access.roles !== "open") {
      t.ok(access.roles.length > 0, `${method} ${url} names roles`);
      for (const role of access.roles) t.ok((ROLES as readonly string[]).includes(role), `${method} ${url}: ${role}`);
    }
    t.match(
      access.audit,
      WRITING.has(method) ? /^[a-z_]+\.[a-z_]+$/ : /^(read|[a-z_]+\.[a-z_]+)$/,
      `${method} ${url} names its audit action`,
    );
  }
});

t.test("only health, metrics and the description of the interface are open", async (t) => {
  const open = routes.filter(({ config }) => config.access?.roles === "open").map(({ url }) => url);
  t.strictSame(open.toSorted(), ["/healthz", "/metrics", "/openapi.json", "/readyz"]);
});

t.test("every /v1 route has an operation id, a schema of its success and of its failures", async (t) => {
  const seen = new Set<string>();
  for (const { method, url, schema } of routes.filter((route) => route.url.startsWith("/v1"))) {
    const statuses = Object.keys(schema.response ?? {});
    t.ok(
      statuses.some((status) => status.startsWith("2")),
      `${method} ${url} describes its success`,
    );
    for (const status of ["400", "401", "403", "500"])
      t.ok(statuses.includes(status), `${method} ${url} describes ${status}`);
    t.ok(schema.operationId, `${method} ${url} has an operation id`);
    t.notOk(seen.has(schema.operationId ?? ""), `${method} ${url}: the operation id is its own`);
    seen.add(schema.operationId ?? "");
  }
});

t.test("no route answers somebody without a token", async (t) => {
  for (const { method, url, config } of routes) {
    if (config.access?.roles === "open") continue;
    const path = url.replaceAll(/:[a-z]+/g, "x");
    const answer = await app.inject({
      method: method as "GET",
      url: path,
      ...(WRITING.has(method) ? { payload: {} } : {}),
    });
    t.equal(answer.statusCode, 401, `${method} ${url}`);
  }
});

const nodeRoutes: { method: string; url: string; access: { audit: string; enrolment?: true } | undefined }[] = [];
const nodeApp = await buildNodeApp(deployment, {
  audience: "urn:test",
  authenticator: {
    authenticate: async () => Promise.reject(new AppError("unauthenticated")),
    proveKey: async () => Promise.reject(new AppError("unauthenticated")),
  },
  onRoute: ({ method, url, config }) => {
    for (const each of [method].flat()) {
      if (each !== "HEAD") nodeRoutes.push({ method: each, url, access: config?.access });
    }
  },
});
await nodeApp.ready();
t.teardown(async () => nodeApp.close());

t.test("every route of runner nodes declares its access, and only the enrolment has no node yet", async (t) => {
  t.ok(nodeRoutes.length >= 6, `${nodeRoutes.length} routes`);
  for (const { method, url, access } of nodeRoutes) t.ok(access?.audit, `${method} ${url}`);
  t.strictSame(
    nodeRoutes.filter(({ access }) => access?.enrolment).map(({ url }) => url),
    ["/runner/v1/enrolment"],
  );
});

t.test("no route of runner nodes answers without a token, or with one that is refused", async (t) => {
  const frame = { "content-type": "application/vnd.sluice.frame" };
  for (const { method, url } of nodeRoutes) {
    const path = url.replace(":lease", `lse_${"0".repeat(26)}`).replace(":digest", `sha256:${"0".repeat(64)}`);
    for (const authorization of ["", "Basic eDp5", "Bearer a.b.c"]) {
      const headers = { ...(authorization === "" ? {} : { authorization }), ...(url.endsWith("report") ? frame : {}) };
      const name = { name: "n", publicKey: { kty: "OKP", crv: "Ed25519", x: "A".repeat(43) }, proof: "x" };
      const payload = url.endsWith("enrolment") ? name : url.endsWith("report") ? "x" : {};
      const answer = await nodeApp.inject({
        method: method as "GET",
        url: path,
        headers,
        ...(WRITING.has(method) ? { payload } : {}),
      });
      t.equal(answer.statusCode, 401, `${method} ${url} ${authorization}`);
    }
  }
});
