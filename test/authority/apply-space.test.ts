import t from "tap";
import { listEntries } from "#audit/index.ts";
import { getScenario, validateSpace } from "#authority/index.ts";
import { checkSpec } from "#catalogue/index.ts";
import type { ApplyResult, Space } from "#contract/space.ts";
import { isAppError } from "#kernel/errors.ts";
import { applySpace } from "#authority/index.ts";
import { withDatabases } from "../persistence/databases.ts";
import {
  apply,
  body,
  clinicAccess,
  clock,
  operator,
  products,
  publishAll,
  reasons,
  residents,
  space,
  stageLive,
  step,
} from "./stage.ts";

const oversight = { organisation: "wz-operator", roles: ["operator"] as const };

function changed({ changes }: ApplyResult): string[] {
  return changes
    .filter(({ change }) => change !== "unchanged" && change !== "waiting")
    .map(({ kind, id, change }) => `${kind} ${id.replace(/^fil_.*/, "")} ${change}`);
}

function problemsOf(work: () => unknown): string[] {
  try {
    work();
    return [];
  } catch (error) {
    if (!isAppError(error, "invalid_space")) throw error;
    const problems = error.details?.["problems"] as { path: string }[] | undefined;
    return (problems ?? []).map(({ path }) => path);
  }
}

const rules = { checkProduct: checkSpec, profiles: ["controlled", "public"] };

t.test("all problems of a space file are listed with their places", async (t) => {
  t.same(validateSpace(space, rules), space);
  const shapeless = {
    ...space,
    space: "Bad Name",
    organisations: [{ id: "x", kind: "club" }],
    products: [{ ...residents, source: { ftp: "x" }, grade: "L9", extra: 1 }],
    scenarios: Array.from({ length: 12 }, (_, index) => ({ ...clinicAccess, id: `s${index}`, purpose: "" })),
  };
  t.same(problemsOf(() => validateSpace(shapeless, rules)).toSorted(), [
    "/organisations/0/kind",
    "/products/0/extra",
    "/products/0/grade",
    "/products/0/source",
    ...Array.from({ length: 12 }, (_, index) => `/scenarios/${index}/purpose`).toSorted(),
    "/space",
  ]);
  const contradictory = {
    ...space,
    organisations: [...space.organisations, { id: "acme", kind: "developer" }],
    headAgreement: { ...space.headAgreement, operator: "acme", validTo: "2025-01-01" },
    products: [{ ...residents, provider: "nobody", subjectKey: "ghost" }, space.products?.[1]],
    scenarios: [
      {
        ...clinicAccess,
        developer: "health-bureau",
        products: ["residents", "visits", "ghosts", "visits"],
        joins: [{ left: "residents.ghost", right: "roads.id" }],
        expertOpinion: { issuer: "x", number: "y", date: "2026-02-30" },
        agreement: { number: "CA-1", validFrom: "2026-13-01", validTo: "2027-01-14" },
        opinion: { ...clinicAccess.opinion, profile: "lax", recipients: ["nobody"] },
      },
      { ...clinicAccess, agreement: { number: "CA-2", validFrom: "2026-02-01", validTo: "2026-01-01" } },
    ],
  };
  t.same(problemsOf(() => validateSpace(contradictory, rules)).toSorted(), [
    "/headAgreement/operator",
    "/headAgreement/validTo",
    "/organisations/5/id",
    "/products/0/columns/0/role",
    "/products/0/provider",
    "/products/0/subjectKey",
    "/scenarios/0/agreement/validFrom",
    "/scenarios/0/developer",
    "/scenarios/0/expertOpinion/date",
    "/scenarios/0/joins/0/left",
    "/scenarios/0/joins/0/right",
    "/scenarios/0/opinion/profile",
    "/scenarios/0/opinion/recipients/0",
    "/scenarios/0/products/2",
    "/scenarios/0/products/3",
    "/scenarios/1/agreement/validTo",
    "/scenarios/1/id",
  ]);
  const late = { ...clinicAccess, agreement: { number: "CA", validFrom: "2026-02-01", validTo: "2029-01-01" } };
  t.same(
    problemsOf(() => validateSpace({ ...space, scenarios: [late] }, rules)),
    ["/scenarios/0/agreement"],
  );
  for (const value of [null, 1, "space", [], {}]) t.ok(problemsOf(() => validateSpace(value, rules)).length > 0);
});

await withDatabases(t, "a development server takes a space live in one apply and says so", async (t, { handle }) => {
  const { db } = handle;
  clock.setDay("2026-06-01");
  const first = await apply(db, space);
  t.same(changed(first), [
    ...space.organisations.map(({ id }) => `organisation ${id} created`),
    "head_agreement HA-1 created",
    "product residents created",
    "product visits created",
    "scenario clinic-access created",
    "scenario clinic-access advanced",
    "agreement CA-1 advanced",
    "scenario clinic-access advanced",
    "filing  advanced",
    "opinion PO-1 advanced",
    "scenario clinic-access advanced",
    "filing  advanced",
    "scenario clinic-access advanced",
  ]);
  t.equal((await getScenario(db, "clinic-access", oversight)).state, "live");
  const entries = await listEntries(db, { afterSeq: 0, limit: 200 });
  const marked = entries.filter(({ detail }) => detail["development"] === true).map(({ action }) => action);
  t.same(marked, [
    "scenario.approved",
    "filing.accepted",
    "scenario.opinion_issued",
    "filing.accepted",
    "scenario.went_live",
  ]);
  const second = await apply(db, space);
  t.same(changed(second), []);
  t.ok(second.changes.every(({ change }) => change === "unchanged"));
  t.equal((await listEntries(db, { afterSeq: 0, limit: 200 })).length, entries.length, "and writes no audit entry");
});

await withDatabases(t, "in production an apply stops where the implementing body must act", async (t, { handle }) => {
  const { db } = handle;
  clock.setDay("2026-06-01");
  const first = await apply(db, space, { development: false });
  t.match(first.changes.at(-1), { kind: "scenario", change: "waiting", detail: /implementing body must approve/ });
  t.same(changed(await apply(db, space, { development: false })), []);
  await step(db, body, { step: "approve", scenario: "clinic-access" });
  const second = await apply(db, space, { development: false });
  t.same(changed(second), ["agreement CA-1 advanced", "scenario clinic-access advanced"]);
  t.match(second.changes.at(-1), { kind: "filing", change: "waiting", detail: /accept or return/ });
  const entries = await listEntries(db, { afterSeq: 0, limit: 200 });
  t.notOk(entries.some(({ detail }) => Object.hasOwn(detail, "development")));
});

await withDatabases(t, "other terms of a live scenario take a new opinion", async (t, { handle }) => {
  const { db } = handle;
  await stageLive(db);
  const fewer: Space = { ...space, scenarios: [{ ...clinicAccess, products: ["residents"], joins: [] }] };
  const production = await apply(db, fewer, { development: false });
  t.same(changed(production), ["scenario clinic-access updated"]);
  t.match(production.changes.at(-1), { change: "waiting", detail: /PO-1 was superseded.*new number/ });
  t.same(await reasons(db, "release"), ["scenario_not_active", "opinion_missing"]);
  t.same(await reasons(db, "job"), []);
  const renumbered = {
    ...clinicAccess,
    products: ["residents"],
    joins: [],
    opinion: { ...clinicAccess.opinion!, number: "PO-2" },
  };
  const third = await apply(db, { ...space, scenarios: [renumbered] }, { development: false });
  t.match(third.changes.at(-1), { kind: "filing", change: "waiting" });
  t.same(await reasons(db, "release"), ["scenario_not_active", "opinion_missing"]);
  await apply(db, space);
  t.same(await reasons(db, "release"), [], "a development server files the new opinion at once, under any number");
  const rows: Space = { ...space, scenarios: [{ ...clinicAccess, visibility: "rows" }] };
  await step(db, operator, { step: "suspend", scenario: "clinic-access", reason: "alarm" });
  await apply(db, rows);
  await step(db, body, { step: "resume", scenario: "clinic-access", reason: "checked" });
  t.same(
    await reasons(db, "release"),
    ["scenario_not_active", "opinion_missing"],
    "changed under suspension: not live",
  );
});

await withDatabases(
  t,
  "a product is made again when its columns change, not when its title does",
  async (t, { handle }) => {
    const { db } = handle;
    await stageLive(db);
    const renamed = { ...space, products: [{ ...residents, title: "居民" }, ...(space.products ?? []).slice(1)] };
    t.same(changed(await apply(db, renamed)), ["product residents updated"]);
    t.equal(await publishAll(db), 0);
    const narrower = { ...residents, columns: residents.columns.filter(({ name }) => name !== "name") };
    const changedSpace = { ...space, products: [narrower, ...(space.products ?? []).slice(1)] };
    await apply(db, changedSpace);
    t.same(await reasons(db), [], "the old version serves until the new one is there");
    t.equal(await publishAll(db), 1);
    t.same(changed(await apply(db, changedSpace)), []);
  },
);

await withDatabases(t, "an apply that is refused changes nothing at all", async (t, { handle }) => {
  const { db } = handle;
  clock.setDay("2026-06-01");
  const refused = async (work: Promise<unknown>, code: string) => {
    const error = await work.catch((thrown: unknown) => thrown);
    t.ok(isAppError(error) && error.code === code, code);
  };
  await refused(apply(db, space, { actor: { ...operator, organisation: "acme" } }), "forbidden");
  await refused(apply(db, space, { actor: { ...operator, roles: ["reviewer"] } }), "forbidden");
  await refused(apply(db, { space: "x" }), "invalid_space");
  const production = { db, clock, development: false, products };
  await refused(applySpace(production, { space, development: true, actor: operator }), "development_only");
  await apply(db, { ...space, scenarios: [] });
  const before = await listEntries(db, { afterSeq: 0, limit: 200 });
  const otherKind = space.organisations.map((each) =>
    each.id === "globex" ? { ...each, kind: "operator" as const } : each,
  );
  await refused(apply(db, { ...space, organisations: otherKind }), "conflict");
  t.same(await listEntries(db, { afterSeq: 0, limit: 200 }), before);
  t.same(await db.selectFrom("scenarios").select("id").execute(), []);
});
