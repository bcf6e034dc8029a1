import { isAppError } from "#kernel/errors.ts";
import type { EgressRequestView } from "#contract/egress.ts";
import { indent } from "./narration.ts";
import { AGE_GROUPS, PATIENT_LIST } from "./queries.ts";
import { expect, runJob, type Scene } from "./scene.ts";

const SCENARIO = "case-study";

/** A script that saw rows: its table waits for a person, who lets it go. */
export async function approveAfterReview(scene: Scene): Promise<void> {
  const { developer, reviewer, print } = scene;
  const request = await askForReview(scene, AGE_GROUPS);
  const seen = await (await reviewer.egress.content(request.id, "json", { rows: 20 })).json();
  expect(Array.isArray((seen as { rows?: unknown }).rows), "the reviewer cannot see the result");
  const comment = "分十年的人数，每格人数充足 / ten-year groups, every one large enough";
  const approved = await reviewer.egress.review(request.id, { decision: "approve", comment });
  expect(approved.state === "released", `the request is ${approved.state}, not released`);
  const { releaseId } = approved;
  expect(releaseId !== undefined, "the approved request has no release");
  const csv = await (await developer.releases.content(releaseId, "csv")).text();
  const [heading, ...lines] = csv.trimEnd().split(/\r?\n/);
  expect(heading === "born,patients" && lines.length > 5, "the download is not the table");
  expect(
    lines.every((line) => Number(line.split(",")[1]) >= 10),
    "a group of fewer than ten people left",
  );
  print(`  → zhou of the operator looked at it (recorded) and approved; lin downloads ${releaseId} as CSV:`);
  print(indent(csv.trimEnd()));
}

/** The same way, but a list of patients: the reviewer says no and it stays inside. */
export async function rejectAfterReview(scene: Scene): Promise<void> {
  const { developer, reviewer, print } = scene;
  const request = await askForReview(scene, PATIENT_LIST);
  const comment = "逐行个人数据，不得出域 / rows of single people do not leave";
  const rejected = await reviewer.egress.review(request.id, {
    decision: "reject",
    comment,
    reasonCodes: ["row_level"],
  });
  expect(rejected.state === "rejected", `the request is ${rejected.state}, not rejected`);
  const job = await developer.jobs.get(request.job);
  expect(job.egress.releaseId === undefined, "a rejected request was released");
  expect(job.egress.verdict === "block", `the verdict is ${job.egress.verdict}, not block`);
  print(`  → zhou rejected it ("${comment}"); there is no release, and no call returns the rows.`);
}

async function askForReview({ developer, print }: Scene, script: string): Promise<EgressRequestView> {
  print(indent(script));
  const { job } = await runJob(developer, { scenario: SCENARIO, image: "javascript@1", script });
  expect(job.state === "succeeded", `the job ${job.state}: ${job.reasonCode ?? ""} ${job.reason ?? ""}`);
  expect(job.egress.verdict === "review", `the verdict is ${job.egress.verdict}, not review`);
  const { requestId } = job.egress;
  expect(requestId !== undefined && job.egress.releaseId === undefined, "it did not wait for a reviewer");
  const request = await developer.egress.get(requestId);
  expect(request.evidence === undefined, "the applicant sees the evidence");
  const refusal = await developer.egress
    .review(requestId, { decision: "approve", comment: "mine" })
    .catch((error: unknown) => error);
  expect(isAppError(refusal, "forbidden"), "the applicant may review its own request");
  print(`  → the script saw rows, so ${requestId} waits for a reviewer; the applicant cannot review it.`);
  return request;
}
