import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import t, { type Test } from "tap";
import { buildApp, createRefusalLog, type Deployment } from "#control-plane/index.ts";
import { ROLES_OF_KIND, type Role } from "#contract/organisation.ts";
import type { ProductView } from "#contract/product.ts";
import type { ScenarioSpec } from "#contract/scenario.ts";
import type { Space } from "#contract/space.ts";
import { AppError } from "#kernel/errors.ts";
import { clinicAccess, clock, publishAll, residents, space, visits } from "../authority/stage.ts";
import { openTestDatabase } from "../persistence/databases.ts";

const KINDS = { bureau: "implementing_body", "wz-operator": "operator", "health-bureau": "data_provider" } as const;
const as = {
  operator: "operator~wz-operator",
  body: "implementing_body~bureau",
  acme: "developer~acme",
  globex: "developer~globex",
  provider: "provider~health-bureau",
};

/** The members of answers that these tests look at. */
interface Answer {
  code?: string;
  requestId?: string;
  instance?: string;
  next?: string;
  items?: { id: string; version?: { id: string } }[];
}

function idsOf({ body }: { body: Answer }): string[] {
  return (body.items ?? []).map(({ id }) => id);
}

/** The real application with tokens of the form `role~organisation`; files under a root of its own. */
async function start(t: Test, development = true) {
  const { handle } = await openTestDatabase(t, "embedded");
  const root = await realpath(await mkdtemp(join(tmpdir(), "catalogue-routes-")));
  t.teardown(async () => await rm(root, { recursive: true, force: true }));
  for (const name of ["residents.csv", "visits.csv"]) await writeFile(join(root, name), `${name}\n`);
  const authenticator: Deployment["authenticator"] = {
    authenticate: async (token) => {
      const [role, organisation = ""] = token.split("~");
      if (!role) throw new AppError("unauthenticated");
      const organisationKind = KINDS[organisation as keyof typeof KINDS] ?? "developer";
      if (!ROLES_OF_KIND[organisationKind].includes(role as Role)) throw new AppError("unauthenticated");
      return { subject: `a-${role}`, organisation, organisationKind, roles: [role as Role] };
    },
  };
  const services = {
    handle,
    db: handle.db,
    clock,
    authenticator,
    refusals: createRefusalLog(),
    log: pino({ level: "silent" }),
    bundle: { profiles: new Map([["controlled", {}]]) },
    signal: { work: () => {}, job: () => {}, onWork: () => () => {}, onJob: () => () => {} },
    config: {
      development,
      sourceRoots: [root],
      dataDirectory: root,
      bodyLimitBytes: 1 << 20,
      rateLimit: { requestsPerMinute: 10_000 },
    },
  } as unknown as Deployment;
  const app = await buildApp(services, { isStopping: () => false });
  t.teardown(async () => await app.close());
  const call = async (who: string, request: string, body?: object, headers: Record<string, string> = {}) => {
    const [method = "", url = ""] = request.split(" ");
    const response = await app.inject({
      method: method as "GET",
      url,
      headers: { authorization: `Bearer ${who}`, ...headers },
      ...(body === undefined ? {} : { payload: body }),
    });
    return { status: response.statusCode, body: response.json<Answer>(), headers: response.headers };
  };
  return { call, db: handle.db };
}

const files: Space = {
  ...space,
  products: [
    { ...residents, source: { path: "residents.csv" } },
    { ...visits, source: { path: "visits.csv" } },
  ],
};

t.test("the way to live over HTTP, each step by whom it belongs to", async (t) => {
  clock.setDay("2026-06-01");
  const { call, db } = await start(t, false);
  const first = await call(as.operator, "POST /v1/space/apply", { space: { ...files, scenarios: [] } });
  t.equal(first.status, 200);
  await publishAll(db);
  const created = await call(as.operator, "POST /v1/scenarios", clinicAccess);
  t.match(created, { status: 201, body: { id: "clinic-access", state: "proposed" } });
  t.equal(created.headers["location"], "/v1/scenarios/clinic-access");
  const at = (step: string) => `POST /v1/scenarios/clinic-access/${step}`;
  t.equal((await call(as.operator, at("approve"))).status, 403);
  t.match(await call(as.body, at("approve")), { status: 200, body: { state: "approved" } });
  t.match(await call(as.body, at("approve")), { status: 409, body: { code: "invalid_transition" } });
  t.match(await call(as.operator, at("sign"), {}), { status: 200, body: { agreement: { number: "CA-1" } } });
  t.match(await call(as.operator, at("file")), { status: 200, body: { state: "filed" } });
  const filings = await call(as.body, "GET /v1/filings?state=submitted");
  const [id] = idsOf(filings);
  t.equal((await call(as.operator, `POST /v1/filings/${id}/accept`)).status, 403);
  t.equal((await call(as.body, `POST /v1/filings/${id}/return`, {})).status, 400, "a return needs a comment");
  t.match(await call(as.body, `POST /v1/filings/${id}/accept`), {
    status: 200,
    body: { state: "accepted", decidedBy: "a-implementing_body" },
  });
  const lax = { opinion: { ...clinicAccess.opinion, profile: "lax" } };
  t.match(await call(as.operator, at("opinion"), lax), { status: 400, body: { code: "invalid_request" } });
  t.match(await call(as.operator, at("opinion")), { status: 200, body: { state: "pre_review" } });
  t.match(await call(as.operator, at("file-opinion")), { status: 200, body: { state: "opinion_filed" } });
  t.match(await call(as.body, at("go-live"), { opinion: "PO-1" }), {
    status: 409,
    body: { details: { reason: "opinion_filing_missing" } },
  });
  const second = await call(as.body, "GET /v1/filings?state=submitted&kind=opinion");
  await call(as.body, `POST /v1/filings/${idsOf(second)[0]}/accept`);
  const live = await call(as.body, at("go-live"), { opinion: "PO-1" });
  t.match(live, { status: 200, body: { state: "live", opinion: { effective: true } } });
  t.match(await call(as.body, at("suspend"), { reason: "check" }), {
    body: { state: "suspended", opinion: { effective: false } },
  });
  t.match(await call(as.body, at("resume"), { reason: "done" }), { body: { state: "live" } });
  t.match(await call(as.body, at("terminate"), { reason: "end" }), { body: { state: "terminated" } });
  const apply = await call(as.operator, "POST /v1/space/apply", { space: files, development: true });
  t.match(apply, { status: 403, body: { code: "development_only" } });
});

t.test("who may not see an object gets the answer of one that does not exist", async (t) => {
  clock.setDay("2026-06-01");
  const { call, db } = await start(t);
  await call(as.operator, "POST /v1/space/apply", { space: files, development: true });
  await publishAll(db);
  for (const [hidden, unknown] of [
    ["GET /v1/scenarios/clinic-access", "GET /v1/scenarios/unknown"],
    ["GET /v1/products/residents", "GET /v1/products/unknown"],
  ] as const) {
    const [one, other] = [await call(as.globex, hidden), await call(as.globex, unknown)];
    t.equal(one.status, 404);
    const told = ({ body }: typeof one) => ({ ...body, requestId: "", instance: "" });
    t.same(told(one), told(other));
  }
  t.same(idsOf(await call(as.globex, "GET /v1/products")), []);
  t.same(idsOf(await call(as.globex, "GET /v1/scenarios")), []);
  t.same(idsOf(await call(as.globex, "GET /v1/organisations")), ["globex"]);
  t.equal((await call(as.acme, "GET /v1/filings")).status, 403);
  const mine = await call(as.acme, "GET /v1/scenarios/clinic-access");
  t.match(mine, { status: 200, body: { state: "live", opinion: { number: "PO-1", effective: true } } });
  t.same(idsOf(await call(as.provider, "GET /v1/products")), ["residents"]);
  t.equal((await call("", "GET /v1/products")).status, 401);
});

t.test("a developer sees rounded statistics and no minimum, null count, source or failed version", async (t) => {
  clock.setDay("2026-06-01");
  const { call, db } = await start(t);
  await call(as.operator, "POST /v1/space/apply", { space: files, development: true });
  const early = (await call(as.acme, "GET /v1/products/residents")).body as unknown as ProductView;
  t.equal(early.version, undefined, "nothing of a version that is being made");
  t.equal(early.columns.length, residents.columns.length);
  await publishAll(db);
  const seen = (await call(as.acme, "GET /v1/products/residents")).body as unknown as ProductView;
  t.equal(seen.version?.rowCount, 12_000);
  t.match(seen.columns[2], {
    name: "district",
    role: "dimension",
    grade: "L1",
    type: "VARCHAR",
    approxDistinct: 1_200,
  });
  const text = JSON.stringify(seen);
  for (const word of ["nullCount", "source", "12345", "1234", "path", "min", "max"])
    t.notOk(text.includes(`"${word}`), word);
  for (const who of [as.operator, as.body, as.provider]) {
    const exact = (await call(who, "GET /v1/products/residents")).body as unknown as ProductView;
    t.equal(exact.version?.rowCount, 12_345);
    t.equal(exact.columns[2]?.nullCount, 17);
  }
});

t.test("products are published, listed in pages, and withdrawn", async (t) => {
  clock.setDay("2026-06-01");
  const { call, db } = await start(t);
  await call(as.operator, "POST /v1/space/apply", {
    space: { ...files, products: [], scenarios: [] },
    development: true,
  });
  const [first, second] = files.products ?? [];
  const published = await call(as.operator, "POST /v1/products", first);
  t.match(published, {
    status: 202,
    body: { version: { state: "ingesting" } },
    headers: { location: "/v1/products/residents" },
  });
  const key = { "idempotency-key": "k-1" };
  const once = await call(as.operator, "POST /v1/products", second, key);
  const again = await call(as.operator, "POST /v1/products", second, key);
  t.same(again.body, once.body);
  await publishAll(db);
  const page = await call(as.operator, "GET /v1/products?limit=1");
  t.same(idsOf(page), ["residents"]);
  const next = await call(as.operator, `GET /v1/products?limit=1&cursor=${page.body.next}`);
  t.same(idsOf(next), ["visits"]);
  t.equal(next.body.next, undefined);
  for (const cursor of ["!!", "cmVzaWRlbnRz!", Buffer.from("A'B").toString("base64url")]) {
    t.match(await call(as.operator, `GET /v1/products?cursor=${encodeURIComponent(cursor)}`), {
      status: 400,
      body: { code: "invalid_cursor" },
    });
  }
  const version = next.body.items?.[0]?.version?.id;
  const withdraw = `POST /v1/products/visits/versions/${version}/withdraw`;
  t.match(await call(as.operator, withdraw, { reason: "wrong" }), {
    status: 200,
    body: { version: { state: "withdrawn" } },
  });
  t.equal((await call(as.body, withdraw, { reason: "wrong" })).status, 403);
  const bad: [body: object, status: number, code: string][] = [
    [{ ...first, source: { path: "/etc/passwd" } }, 403, "source_not_allowed"],
    [{ ...first, source: { url: "https://example.org/a.csv" } }, 501, "not_supported"],
    [{ ...first, source: { path: "none.csv" } }, 422, "invalid_product"],
    [{ ...first, subjectKey: "district" }, 422, "invalid_product"],
    [{ ...first, provider: "nobody" }, 422, "invalid_product"],
    [{ ...first, columns: [] }, 400, "invalid_request"],
  ];
  for (const [body, status, code] of bad)
    t.match(await call(as.operator, "POST /v1/products", body), { status, body: { code } });
});

t.test("bad scenarios and spaces are refused with their places", async (t) => {
  clock.setDay("2026-06-01");
  const { call } = await start(t);
  await call(as.operator, "POST /v1/space/apply", { space: { ...files, scenarios: [] }, development: true });
  const bad: Partial<ScenarioSpec>[] = [
    { developer: "nobody" },
    { developer: "bureau" },
    { products: ["residents", "ghosts"] },
    { products: ["residents", "residents"] },
    { joins: [{ left: "residents.id", right: "visits.ghost" }] },
  ];
  for (const change of bad) {
    const refused = await call(as.operator, "POST /v1/scenarios", { ...clinicAccess, ...change });
    t.match(refused, { status: 400, body: { code: "invalid_request" } }, JSON.stringify(change));
  }
  t.equal((await call(as.operator, "POST /v1/scenarios", clinicAccess)).status, 201);
  t.match(await call(as.operator, "POST /v1/scenarios", clinicAccess), { status: 409, body: { code: "conflict" } });
  const wrong = { ...files, space: "X", headAgreement: {} };
  const refused = await call(as.operator, "POST /v1/space/apply", { space: wrong });
  t.match(refused, { status: 422, body: { code: "invalid_space", details: { problems: [{ path: "/space" }] } } });
  t.equal((await call(as.acme, "POST /v1/space/apply", { space: files })).status, 403);
  const missing = {
    ...files,
    products: [{ ...residents, source: { path: "none.csv" } }, ...(files.products ?? []).slice(1)],
  };
  t.match(await call(as.operator, "POST /v1/space/apply", { space: missing }), {
    status: 422,
    body: { code: "invalid_space", details: { problems: [{ path: "/products/0/source" }] } },
  });
});
