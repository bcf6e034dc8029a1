/** People, days and a small space for the tests of the chain of authority. */
import { type AuditActor, type AuditContext, withAudit } from "#audit/index.ts";
import { applySpace, checkAuthority, type ProductDeclarations, takeStep } from "#authority/index.ts";
import { type CheckedSource, checkSpec, claimIngest, finishIngest, publishProduct } from "#catalogue/index.ts";
import { PRODUCT_FORMAT, type ProductManifest, type ProductSpec } from "#contract/product.ts";
import type { ScenarioSpec } from "#contract/scenario.ts";
import type { Space } from "#contract/space.ts";
import { sha256 } from "#kernel/digest.ts";
import type { Database } from "#persistence/index.ts";

export const operator: AuditActor = { kind: "person", id: "li", organisation: "wz-operator", roles: ["operator"] };
export const security: AuditActor = { kind: "person", id: "qian", organisation: "wz-operator", roles: ["security"] };
export const body: AuditActor = { kind: "person", id: "wang", organisation: "bureau", roles: ["implementing_body"] };
export const developer: AuditActor = { kind: "person", id: "zhao", organisation: "acme", roles: ["developer"] };

/** A clock that tests move: noon in Shanghai of the day. */
export const clock = {
  at: Date.parse("2026-06-01T04:00:00Z"),
  nowMs: () => clock.at,
  setDay: (day: string) => void (clock.at = Date.parse(`${day}T04:00:00Z`)),
};

export async function act<T>(db: Database, actor: AuditActor, work: (context: AuditContext) => Promise<T>): Promise<T> {
  return withAudit(db, { actor, clock }, work);
}

export const residents: ProductSpec = {
  id: "residents",
  title: "常住人口",
  source: { path: "/data/residents.parquet" },
  provider: "health-bureau",
  subjectKey: "id",
  grade: "L4",
  columns: [
    { name: "id", role: "subject_key", grade: "L3" },
    { name: "name", role: "identifier", grade: "L4" },
    { name: "district", role: "dimension", grade: "L1" },
    { name: "birth_date", role: "quasi_identifier", grade: "L3", generalise: ["year", "decade"] },
    { name: "income", role: "measure", grade: "L3", bounds: [0, 1_000_000] },
  ],
};

export const visits: ProductSpec = {
  id: "visits",
  source: { path: "/data/visits.csv" },
  subjectKey: "person_id",
  grade: "L3",
  columns: [
    { name: "person_id", role: "subject_key", grade: "L3" },
    { name: "clinic", role: "dimension", grade: "L1" },
  ],
};

export const clinicAccess: ScenarioSpec = {
  id: "clinic-access",
  developer: "acme",
  purpose: "基层医疗可及性分析",
  products: ["residents", "visits"],
  joins: [{ left: "residents.id", right: "visits.person_id" }],
  visibility: "aggregates",
  expertOpinion: { issuer: "市司法局", number: "EO-1", date: "2026-01-10" },
  agreement: { number: "CA-1", validFrom: "2026-01-15", validTo: "2027-01-14" },
  opinion: {
    number: "PO-1",
    profile: "controlled",
    outputs: ["statistical_report"],
    recipients: ["acme"],
    autoRelease: true,
  },
};

export const space: Space = {
  space: "wenzhou-test",
  organisations: [
    { id: "bureau", kind: "implementing_body", title: "市数据局" },
    { id: "wz-operator", kind: "operator" },
    { id: "health-bureau", kind: "data_provider" },
    { id: "acme", kind: "developer" },
    { id: "globex", kind: "developer" },
  ],
  headAgreement: { operator: "wz-operator", number: "HA-1", validFrom: "2026-01-01", validTo: "2028-12-31" },
  products: [residents, visits],
  scenarios: [clinicAccess],
};

/** Stands for the source of a product: tests of sources themselves use real files. */
export const products: ProductDeclarations<CheckedSource> = {
  check: checkSpec,
  inspect: async (spec) => ({ source: spec.source, digest: sha256(JSON.stringify(spec.source)) }),
  publish: async (context, spec, source) => publishProduct(context, { spec, source }),
};

export async function apply(db: Database, file: unknown, options: { development?: boolean; actor?: AuditActor } = {}) {
  const { development = true, actor = operator } = options;
  return applySpace({ db, clock, development: true, products }, { space: file, development, actor });
}

export function manifestOf(spec: ProductSpec): ProductManifest {
  const { id: product, subjectKey, grade, columns } = spec;
  return {
    format: PRODUCT_FORMAT,
    product,
    grade,
    rowCount: 12_345,
    subjectCount: 12_345,
    ...(subjectKey === undefined ? {} : { subjectKey }),
    columns: columns.map((column) => ({
      ...column,
      type: "VARCHAR",
      nullCount: 17,
      approxDistinct: 1_234,
    })),
    files: columns.map(({ name }, index) => ({
      path: `${index}.arrow`,
      columns: [name],
      bytes: 64,
      digest: sha256(name),
    })),
    sourceDigest: sha256("source"),
    createdAt: "2026-06-01T00:00:00.000Z",
  };
}

/** Does what a runner does with every waiting ingest, without the data. */
export async function publishAll(db: Database): Promise<number> {
  const runner: AuditActor = { kind: "runner", id: "run_test" };
  const request = { runner: "run_test", leaseMs: 60_000, dataDirectory: "/data" };
  for (let published = 0; ; published++) {
    const offer = await act(db, runner, async (context) => claimIngest(context, request));
    if (!offer) return published;
    const manifest = manifestOf(offer.spec);
    const end = { lease: offer.lease, manifest, manifestDigest: sha256(JSON.stringify(manifest)) };
    await act(db, runner, async (context) => finishIngest(context, end));
  }
}

/** A live scenario with published products. */
export async function stageLive(db: Database): Promise<void> {
  clock.setDay("2026-06-01");
  await apply(db, space);
  await publishAll(db);
}

export async function ask(db: Database, purpose: "job" | "release", organisation = "acme", scenario = "clinic-access") {
  return checkAuthority(db, { scenario, organisation, purpose, clock });
}

/** Reasons of a refusal; none for a permit. */
export async function reasons(db: Database, purpose: "job" | "release" = "job"): Promise<readonly string[]> {
  const decision = await ask(db, purpose);
  return decision.effect === "permit" ? [] : decision.reasons;
}

export async function step(db: Database, actor: AuditActor, action: Parameters<typeof takeStep>[1]): Promise<void> {
  await act(db, actor, async (context) => takeStep(context, action));
}
