import t from "tap";
import { createAuditGroup } from "#audit/index.ts";
import { checkAuthority, getScenario } from "#authority/index.ts";
import type { Quota } from "#contract/scenario.ts";
import { completeJob } from "#egress/index.ts";
import { getJob, submitJob } from "#jobs/index.ts";
import type { Database } from "#persistence/index.ts";
import { requireReleaseQuota } from "#scheduling/index.ts";
import { exceededLimit, type QuotaUse, secondsToEnd } from "../../src/scheduling/quota.ts";
import { act, apply, clinicAccess, clock, developer, publishAll, space } from "../authority/stage.ts";
import { claim, images, principal, report, runner, submit } from "../jobs/staged-jobs.ts";
import { withDatabases } from "../persistence/databases.ts";
import { bundle } from "../security/stage.ts";

const unused: QuotaUse = { unfinished: 0, mayRelease: 0, jobs: 0, cpuMs: 0, releases: 0 };

t.test("the first limit that one more job would break is named, and whether waiting for an end helps", async (t) => {
  const cases: [Quota, Partial<QuotaUse>, string | undefined, boolean?][] = [
    [{}, { jobs: 99, cpuMs: 1e9 }, undefined],
    [{ jobs: 3 }, { jobs: 2 }, undefined],
    [{ jobs: 3 }, { jobs: 3 }, "jobs", true],
    [{ cpuSeconds: 10 }, { cpuMs: 9_999 }, undefined],
    [{ cpuSeconds: 10 }, { cpuMs: 10_000 }, "cpuSeconds", true],
    [{ inFlight: 2 }, { unfinished: 2 }, "inFlight", false],
    [{ releases: 5 }, { releases: 5 }, "releases", true],
    [{ releases: 5 }, { releases: 3, mayRelease: 2 }, "releases", false],
    [{ releases: 5 }, { releases: 3, mayRelease: 1 }, undefined],
  ];
  for (const [quota, use, limit, untilEnd] of cases) {
    const found = exceededLimit({ quota, mayRelease: true }, { ...unused, ...use });
    t.strictSame(found, limit === undefined ? undefined : { limit, untilEnd }, JSON.stringify([quota, use]));
  }
  const validating = exceededLimit({ quota: { releases: 1 }, mayRelease: false }, { ...unused, releases: 1 });
  t.equal(validating, undefined, "what brings no release about needs none");
});

t.test("a period ends with the local day or month", async (t) => {
  const at = (text: string) => ({ nowMs: () => Date.parse(text) });
  t.equal(secondsToEnd(at("2026-06-01T15:59:00Z"), "day"), 60, "a minute before midnight in Wenzhou");
  t.equal(secondsToEnd(at("2026-06-01T16:00:00Z"), "day"), 86_400);
  t.equal(secondsToEnd(at("2026-06-30T15:00:00Z"), "month"), 3600);
  t.equal(secondsToEnd(at("2026-01-31T16:00:00Z"), "month"), 28 * 86_400);
});

async function stageQuota(db: Database, quota: Quota): Promise<void> {
  clock.setDay("2026-06-01");
  const agreement = { ...clinicAccess.agreement!, quota };
  await apply(db, { ...space, scenarios: [{ ...clinicAccess, agreement }] });
  await publishAll(db);
}

await withDatabases(
  t,
  "the agreement's quota bounds jobs in flight and a day's jobs",
  async (t, { handle: { db } }) => {
    await stageQuota(db, { inFlight: 2, jobs: 3, classes: ["interactive"] });
    const reader = { organisation: "acme", roles: ["developer" as const] };
    t.match(await getScenario(db, "clinic-access", reader), { agreement: { quota: { inFlight: 2, jobs: 3 } } });
    t.match(
      (
        await apply(db, {
          ...space,
          scenarios: [
            {
              ...clinicAccess,
              agreement: { ...clinicAccess.agreement!, quota: { inFlight: 2, jobs: 3, classes: ["interactive"] } },
            },
          ],
        })
      ).changes.filter(({ kind }) => kind === "scenario"),
      [{ change: "unchanged" }],
    );
    await t.rejects(submit(db, { class: "batch" }), { code: "class_not_agreed" });
    await submit(db);
    await submit(db);
    await t.rejects(submit(db), {
      code: "quota_exceeded",
      details: { limit: "inFlight", allowed: 2, retryAfterSeconds: 5 },
    });
    const [job] = await claim(db);
    await act(db, runner, async (context) =>
      completeJob(context, bundle, {
        lease: job!.lease!,
        report: report({ outputs: [], state: "failed", reasonCode: "query_error" }),
        stored: [],
      }),
    );
    t.equal((await getJob(db, job!.id)).state, "failed");
    await submit(db);
    await t.rejects(submit(db), { code: "quota_exceeded", details: { limit: "jobs", retryAfterSeconds: 12 * 3600 } });
    clock.setDay("2026-06-02");
    await t.rejects(submit(db), { code: "quota_exceeded", details: { limit: "inFlight" } });
    t.equal(
      (await db.selectFrom("jobs").select("id").execute()).length,
      3,
      "a new day brings new jobs, not more at once",
    );
  },
);

await withDatabases(
  t,
  "works that share a transaction do not share a quota's last job",
  async (t, { handle: { db } }) => {
    await stageQuota(db, { jobs: 2 });
    const group = createAuditGroup(db);
    const one = async () =>
      group.run({ actor: developer, clock }, async (context) => {
        const question = { scenario: "clinic-access", organisation: "acme", purpose: "job" as const, clock };
        const authority = await checkAuthority(context.tx, question);
        if (authority.effect === "deny") throw new Error(authority.reasons.join());
        const request = { scenario: "clinic-access", image: "sql@1", sql: "select 1" };
        const queue = { total: 100, organisation: 100 };
        return submitJob(context, { principal, request, chain: authority.chain, image: images.get("sql@1")!, queue });
      });
    const results = await Promise.allSettled(Array.from({ length: 6 }, one));
    t.equal(results.filter(({ status }) => status === "fulfilled").length, 2);
    for (const result of results) if (result.status === "rejected") t.match(result.reason, { code: "quota_exceeded" });
    t.equal((await db.selectFrom("jobs").select("id").execute()).length, 2);
  },
);

await withDatabases(t, "releases and processor time of a period are counted", async (t, { handle: { db } }) => {
  await stageQuota(db, { releases: 1, cpuSeconds: 5, period: "month" });
  const stored = [{ quarantine: `sha256:${"a".repeat(64)}`, release: `sha256:${"b".repeat(64)}` }];
  await submit(db);
  // the first may become one
  await t.rejects(submit(db), { code: "quota_exceeded", details: { limit: "releases", retryAfterSeconds: 5 } });
  await submit(db, { mode: "validate" });
  const jobs = await claim(db, 2);
  const usage = { cpuMs: 3_000, peakMemoryBytes: 1, statements: 1, rows: 1, bytes: 1 };
  for (const { lease, mode } of jobs) {
    const full = mode === "validate" ? report({ usage, outputs: [] }) : report({ usage });
    await act(db, runner, async (context) =>
      completeJob(context, bundle, { lease: lease!, report: full, stored: mode === "validate" ? [] : stored }),
    );
  }
  t.match(await db.selectFrom("scenario_use").selectAll().execute(), [{ jobs: 2, cpu_ms: 6_000, releases: 1 }]);
  await t.rejects(submit(db), { code: "quota_exceeded", details: { limit: "cpuSeconds" } });
  const late = act(db, developer, async (context) => requireReleaseQuota(context, "clinic-access", { releases: 1 }));
  await t.rejects(late, { code: "quota_exceeded", details: { limit: "releases", retryAfterSeconds: 12 * 3600 } });
});
