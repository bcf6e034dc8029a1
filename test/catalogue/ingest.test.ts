import t from "tap";
import { listEntries } from "#audit/index.ts";
import { resolveChain } from "#authority/index.ts";
import {
  claimIngest,
  finishIngest,
  getMounts,
  getProduct,
  heartbeatIngest,
  mountsOf,
  publishProduct,
  reportIngestProgress,
  requeueLostIngests,
  withdrawVersion,
} from "#catalogue/index.ts";
import type { ProductSpec } from "#contract/product.ts";
import { sha256 } from "#kernel/digest.ts";
import { isAppError } from "#kernel/errors.ts";
import type { Database } from "#persistence/index.ts";
import { act, apply, clock, manifestOf, operator, publishAll, residents, space, visits } from "../authority/stage.ts";
import { withDatabases } from "../persistence/databases.ts";

const runner = { kind: "runner" as const, id: "run_a" };
const chores = { kind: "system" as const, id: "chores" };
const reader = { organisation: "wz-operator", roles: ["operator"] as const };
const digest = sha256("manifest");

async function claim(db: Database, name = "run_a") {
  const request = { runner: name, leaseMs: 30_000, dataDirectory: "/data" };
  return act(db, runner, async (context) => claimIngest(context, request));
}

async function publish(
  db: Database,
  spec: ProductSpec,
  source: { digest?: string; secret?: string; refresh?: boolean } = {},
) {
  const { refresh = false, secret, digest: of = "v1" } = source;
  const checked = secret === undefined ? { source: spec.source, digest: sha256(of) } : { source: spec.source, secret };
  return act(db, operator, async (context) => publishProduct(context, { spec, source: checked, refresh }));
}

async function finish(db: Database, lease: string, spec: ProductSpec): Promise<string> {
  const end = { lease, manifest: manifestOf(spec), manifestDigest: digest };
  return act(db, runner, async (context) => finishIngest(context, end));
}

async function stage(db: Database): Promise<void> {
  clock.setDay("2026-06-01");
  await apply(db, { ...space, products: [], scenarios: [] });
}

await withDatabases(t, "a version goes through the queue once", async (t, { handle }) => {
  const { db } = handle;
  await stage(db);
  t.equal((await publish(db, residents)).change, "created");
  t.match(await getProduct(db, "residents", reader), { version: { state: "ingesting" } });
  const offer = await claim(db);
  t.match(offer, { kind: "ingest", spec: residents, directory: /^\/data\/products\/residents\/pv_/ });
  t.equal(offer?.subjectsDirectory, "/data/governance/subjects");
  t.equal(await claim(db), undefined, "nobody else gets it");
  const lease = offer?.lease ?? "";
  t.same(await heartbeatIngest(db, { lease, leaseMs: 30_000, nowMs: clock.nowMs() }), { cancel: false });
  await reportIngestProgress(db, { lease, rows: 500 });
  t.match(await getProduct(db, "residents", reader), { version: { progress: { rows: 500 } } });
  t.equal(await finish(db, lease, residents), "published");
  t.match(await getProduct(db, "residents", reader), { version: { state: "published", digest, rowCount: 12_345 } });
  t.same(await heartbeatIngest(db, { lease, leaseMs: 30_000, nowMs: clock.nowMs() }), { cancel: true });
  const again = await finish(db, lease, residents).catch((error: unknown) => error);
  t.ok(isAppError(again, "not_found"), "a second report is nobody's");
});

await withDatabases(t, "many runners never get the same version", async (t, { handle }) => {
  const { db } = handle;
  await stage(db);
  const specs = Array.from({ length: 6 }, (_, index) => ({ ...visits, id: `visits-${index}` }));
  for (const spec of specs) await publish(db, spec);
  const offers = await Promise.all(Array.from({ length: 10 }, async (_, index) => claim(db, `run_${index}`)));
  const versions = offers.flatMap((offer) => (offer ? [offer.version] : []));
  t.equal(versions.length, 6);
  t.equal(new Set(versions).size, 6);
});

await withDatabases(t, "the same declaration and source make no new version", async (t, { handle }) => {
  const { db } = handle;
  await stage(db);
  const first = await publish(db, residents);
  t.same(await publish(db, residents), { change: "unchanged", version: first.version }, "while it is being made");
  await publishAll(db);
  t.same(await publish(db, residents), { change: "unchanged", version: first.version }, "when it is published");
  t.same((await publish(db, { ...residents, title: "x" })).version, first.version, "whatever it is called");
  const second = await publish(db, { ...residents, title: "x" }, { digest: "v2" });
  t.not(second.version, first.version, "another file is another version");
  const third = await publish(db, { ...residents, grade: "L4", columns: residents.columns.slice(0, 3) });
  t.not(third.version, second.version);
  const offer = await claim(db);
  t.equal(offer?.version, third.version, "what a newer declaration replaced is not made any more");
});

await withDatabases(
  t,
  "a database table is read again when asked, and its password stays in the claim",
  async (t, { handle }) => {
    const { db } = handle;
    await stage(db);
    const secret = "postgres://reader:pa55@db/health";
    const spec: ProductSpec = { ...visits, source: { postgres: "postgres://reader@db/health", table: "visits" } };
    const first = await publish(db, spec, { secret });
    t.equal((await claim(db))?.spec.source && true, true);
    t.equal((await publish(db, spec, { secret })).version, first.version);
    const second = await publish(db, spec, { secret, refresh: true });
    t.not(second.version, first.version);
    const offer = await claim(db);
    t.same(offer?.spec.source, { postgres: secret, table: "visits" });
    const seen = async () =>
      JSON.stringify([
        await getProduct(db, "visits", reader),
        await listEntries(db, { afterSeq: 0, limit: 200 }),
        await db.selectFrom("product_versions").select(["spec", "error", "manifest"]).execute(),
      ]);
    t.notOk((await seen()).includes("pa55"));
    t.equal(await finish(db, offer?.lease ?? "", spec), "published");
    t.notOk((await seen()).includes("pa55"));
    const kept = await db
      .selectFrom("product_versions")
      .select("source_secret")
      .where("source_secret", "is not", null)
      .execute();
    t.same(kept, [], "and is erased when the ingest ends");
  },
);

await withDatabases(t, "a lost lease goes back to the queue, three times at most", async (t, { handle }) => {
  const { db } = handle;
  await stage(db);
  await publish(db, residents);
  for (const attempt of [1, 2, 3]) {
    const offer = await claim(db);
    t.ok(offer, `attempt ${attempt}`);
    t.same(await act(db, chores, async (context) => requeueLostIngests(context)), { requeued: 0, failed: 0 });
    clock.at += 31_000;
    const lost = await act(db, chores, async (context) => requeueLostIngests(context));
    t.same(lost, attempt < 3 ? { requeued: 1, failed: 0 } : { requeued: 0, failed: 1 });
    const late = await finish(db, offer?.lease ?? "", residents).catch((error: unknown) => error);
    t.ok(isAppError(late, "not_found"), "a late report changes nothing");
  }
  t.match(await getProduct(db, "residents", reader), { version: { state: "failed", error: { code: "runner_lost" } } });
  t.equal((await publish(db, residents)).change, "updated", "publishing again tries again");
});

await withDatabases(t, "a manifest that is not what was declared publishes nothing", async (t, { handle }) => {
  const { db } = handle;
  await stage(db);
  const lowered = { ...residents, columns: residents.columns.map((column) => ({ ...column, grade: "L1" as const })) };
  const wrong = [
    lowered,
    { ...residents, columns: residents.columns.slice(1) },
    { ...residents, id: "visits" },
    { ...residents, grade: "L1" as const },
  ];
  for (const declared of wrong) {
    await publish(db, residents);
    const offer = await claim(db);
    t.equal(await finish(db, offer?.lease ?? "", declared), "failed");
    t.match(await getProduct(db, "residents", reader), {
      version: { state: "failed", error: { code: "manifest_mismatch" } },
    });
  }
  await publish(db, residents);
  const offer = await claim(db);
  const error = { code: "ingest_failed", message: "A value does not fit its column", row: 7, column: "income" };
  const end = { lease: offer?.lease ?? "", error };
  t.equal(await act(db, runner, async (context) => finishIngest(context, end)), "failed");
  t.match(await getProduct(db, "residents", reader), { version: { error: { code: "ingest_failed" } } });
});

await withDatabases(t, "only published versions are mounted, with their listed columns", async (t, { handle }) => {
  const { db } = handle;
  clock.setDay("2026-06-01");
  await apply(db, space);
  const early = await resolveChain(db, "clinic-access");
  t.throws(() => mountsOf(early!, "/data"), { code: "product_unavailable" });
  await publishAll(db);
  const chain = await resolveChain(db, "clinic-access", { manifests: true });
  const mounts = mountsOf(chain!, "/data");
  t.match(mounts, [
    { id: "residents", subjectKey: "id", rowCount: 12_345, directory: /^\/data\/products\/residents\// },
    { id: "visits", subjectKey: "person_id" },
  ]);
  t.same(
    mounts[0]?.columns.map(({ name }) => name),
    residents.columns.map(({ name }) => name),
  );
  const pinned = { residents: mounts[0]?.version ?? "", visits: mounts[1]?.version ?? "" };
  t.same(await getMounts(db, pinned, "/data"), mounts);
  const withdrawal = { product: "residents", version: pinned.residents, reason: "wrong grade" };
  await act(db, operator, async (context) => withdrawVersion(context, withdrawal));
  await t.rejects(getMounts(db, pinned, "/data"), { code: "product_unavailable" });
  await t.rejects(
    act(db, operator, async (context) => withdrawVersion(context, withdrawal)),
    { code: "invalid_transition" },
  );
  const foreign = { ...withdrawal, product: "visits" };
  await t.rejects(
    act(db, operator, async (context) => withdrawVersion(context, foreign)),
    { code: "not_found" },
  );
});

await withDatabases(
  t,
  "a version of another format is shown to be ingested again, and not mounted",
  async (t, { handle }) => {
    const { db } = handle;
    await stage(db);
    await publish(db, residents);
    const offer = await claim(db);
    await finish(db, offer?.lease ?? "", residents);
    t.equal((await getProduct(db, "residents", reader)).version?.error, undefined);
    const old = { ...manifestOf(residents), format: "sluice-product/1" };
    await db
      .updateTable("product_versions")
      .set({ manifest: JSON.stringify(old) as never })
      .where("id", "=", offer?.version ?? "")
      .execute();
    t.match(await getProduct(db, "residents", reader), {
      version: { error: { code: "version_unsupported", message: /ingest the product again/ } },
    });
    await t.rejects(getMounts(db, { residents: offer?.version ?? "" }, "/data"), { code: "version_unsupported" });
  },
);
