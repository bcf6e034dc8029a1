import t, { type Test } from "tap";
import { listEntries, verifyLog } from "#audit/index.ts";
import type { JobReport } from "#contract/runner.ts";
import {
  completeJob,
  getEgressRequest,
  getRelease,
  openEgress,
  releaseOutputs,
  reviewRequest,
  revokeRelease,
} from "#egress/index.ts";
import type { Principal } from "#identity/index.ts";
import { getJob } from "#jobs/index.ts";
import type { Database } from "#persistence/index.ts";
import { loadPolicyBundle } from "#policy/index.ts";
import { act, body, clock, developer, operator, stageLive, step } from "../authority/stage.ts";
import { claim, facts, report, runner, submit } from "../jobs/staged-jobs.ts";
import { withDatabases } from "../persistence/databases.ts";

const bundle = loadPolicyBundle("policies");
const stored = [{ quarantine: `sha256:${"a".repeat(64)}`, release: `sha256:${"b".repeat(64)}` }];

async function complete(db: Database, change: Partial<JobReport> = {}, request: Parameters<typeof submit>[1] = {}) {
  const { id } = await submit(db, request);
  const [job] = await claim(db);
  const done = await act(db, runner, async (context) =>
    completeJob(context, bundle, { lease: job!.lease!, report: report(change), stored }),
  );
  return { id, done, lease: job!.lease! };
}

async function requestOf(db: Database, job: string) {
  return db.selectFrom("egress_requests").selectAll().where("job", "=", job).executeTakeFirst();
}

const reviewer = (subject: string, organisation = "wz-operator"): Principal => ({
  subject,
  organisation,
  organisationKind: "operator",
  roles: ["reviewer"],
});

async function review(db: Database, id: string, by: Principal, decision: "approve" | "reject" | "return" = "approve") {
  const actor = { kind: "person" as const, id: by.subject, organisation: by.organisation };
  return act(db, actor, async (context) =>
    reviewRequest(context, id, { principal: by, review: { decision, comment: "看过" }, bundle }),
  );
}

async function staged(t: Test, title: string, work: (t: Test, db: Database) => Promise<void>): Promise<void> {
  await withDatabases(t, title, async (t, { handle: { db } }) => {
    await stageLive(db);
    await work(t, db);
    t.match(await verifyLog(db), { ok: true }, "the log verifies");
  });
}

await staged(t, "a safe result is released with the job's end, and only its releasable bytes", async (t, db) => {
  const { id } = await complete(db);
  t.match(await getJob(db, id), { state: "succeeded", verdict: "release" });
  const request = await requestOf(db, id);
  t.match(request, { state: "released", verdict: "release", opinion_number: "PO-1", policy_bundle: bundle.digest });
  const release = await db.selectFrom("releases").selectAll().where("job", "=", id).executeTakeFirstOrThrow();
  t.match(await releaseOutputs(db, release.id), [{ object: stored[0]!.release }]);
  const [entry] = await listEntries(db, { afterSeq: release.audit_entry - 1, limit: 1 });
  t.match(entry, { action: "egress.released", subject: { id: release.id } }, "the release names its audit entry");
});

await staged(t, "a report whose lease was taken away changes nothing", async (t, db) => {
  const { id, lease } = await complete(db);
  const again = await act(db, runner, async (context) =>
    completeJob(context, bundle, { lease, report: report(), stored }),
  );
  t.equal(again, undefined);
  t.equal((await db.selectFrom("releases").selectAll().where("job", "=", id).execute()).length, 1);
});

await staged(t, "what a rule blocks is rejected for good", async (t, db) => {
  const { id } = await complete(db, {
    facts: { ...facts, blockedBy: ["R19"] },
    outputs: [{ ...report().outputs[0]!, release: 1 }],
  });
  const request = await requestOf(db, id);
  t.match(request, { state: "rejected", verdict: "block" });
  await t.rejects(review(db, request!.id, reviewer("sun")), { code: "invalid_transition" });
  t.equal((await db.selectFrom("releases").selectAll().execute()).length, 0);
});

await staged(t, "row-level bytes wait for a person, and leave as computed when approved", async (t, db) => {
  const { id } = await complete(db, { label: "row_level", facts: { ...facts, label: "row_level" } });
  const request = await requestOf(db, id);
  t.match(request, { state: "under_review", verdict: "review" });
  await t.rejects(review(db, request!.id, reviewer("zhao", "acme")), { code: "self_review" });
  const outcome = await review(db, request!.id, reviewer("sun"));
  t.match(outcome, { state: "released", releaseId: /^rel_/ });
  t.match(await releaseOutputs(db, outcome.releaseId!), [{ object: stored[0]!.quarantine }]);
  await t.rejects(review(db, request!.id, reviewer("sun")), { code: "invalid_transition" });
});

await staged(t, "a rejected request ends, a returned one can be asked for again", async (t, db) => {
  const first = await complete(db, { label: "row_level", facts: { ...facts, label: "row_level" } });
  const request = await requestOf(db, first.id);
  t.match(await review(db, request!.id, reviewer("sun"), "reject"), { state: "rejected" });
  t.match(await getJob(db, first.id), { verdict: "block" });
  const second = await complete(db, { label: "row_level", facts: { ...facts, label: "row_level" } });
  const returned = await requestOf(db, second.id);
  await review(db, returned!.id, reviewer("sun"), "return");
  const job = await getJob(db, second.id);
  const application = {
    job,
    facts: job.facts!,
    applicant: "zhao",
    productType: "statistical_report" as const,
    purpose: "补充说明",
    recipients: ["acme"],
  };
  const opened = await act(db, developer, async (context) => openEgress(context, bundle, application));
  t.equal(opened.decision.verdict, "review");
  await t.rejects(
    act(db, developer, async (context) => openEgress(context, bundle, application)),
    { code: "conflict" },
    "one open request a job",
  );
});

await staged(t, "approval does not release what the authority no longer covers", async (t, db) => {
  const { id } = await complete(db, { label: "row_level", facts: { ...facts, label: "row_level" } });
  const request = await requestOf(db, id);
  await step(db, body, { step: "suspend", scenario: "clinic-access", reason: "抽查" });
  await t.rejects(review(db, request!.id, reviewer("sun")), { code: "authority_missing" });
  t.match(await getEgressRequest(db, request!.id), { state: "under_review" }, "and the review was not kept");
  await step(db, body, { step: "resume", scenario: "clinic-access", reason: "整改完成" });
  t.match(await review(db, request!.id, reviewer("sun")), { state: "released" });
});

await staged(t, "nothing is released after the agreement's last day", async (t, db) => {
  const submitted = await submit(db);
  const [job] = await claim(db);
  clock.setDay("2027-01-15");
  await act(db, runner, async (context) =>
    completeJob(context, bundle, { lease: job!.lease!, report: report(), stored }),
  );
  t.match(await requestOf(db, submitted.id), { state: "rejected", verdict: "block" });
});

await staged(t, "an output type or recipient outside the opinion is blocked", async (t, db) => {
  const { id } = await complete(db, {}, { outputs: { recipients: ["globex"] } });
  t.match(await requestOf(db, id), {
    verdict: "block",
    findings: [{ code: "recipient_not_in_opinion", family: "authority" }],
  });
  const model = await complete(db, {}, { outputs: { productType: "model" } });
  t.match(await requestOf(db, model.id), { verdict: "block", findings: [{ code: "output_not_in_opinion" }] });
});

await staged(t, "a release is revoked once", async (t, db) => {
  const { id } = await complete(db);
  const { id: release } = await db.selectFrom("releases").select("id").where("job", "=", id).executeTakeFirstOrThrow();
  t.match(await getJob(db, id), { text_visible: true });
  const revoke = async () => act(db, operator, async (context) => revokeRelease(context, release, "撤回"));
  await revoke();
  t.match(await getRelease(db, release), { state: "revoked", revoked_by: "li" });
  t.match(await getJob(db, id), { text_visible: false }, "what its script wrote is not shown either");
  await t.rejects(revoke(), { code: "invalid_transition" });
});

await staged(t, "a failed job has no request, and one that asks for none waits for its developer", async (t, db) => {
  const failed = await complete(db, { state: "failed", reasonCode: "timeout", outputs: [] });
  t.match(await getJob(db, failed.id), { state: "failed", verdict: "not_requested", reason_code: "timeout" });
  t.notOk(await requestOf(db, failed.id));
  const quiet = await complete(db, {}, { requestEgress: false });
  t.match(await getJob(db, quiet.id), { state: "succeeded", verdict: "not_requested" });
});
