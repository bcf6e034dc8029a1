import type { Selectable } from "kysely";
import type { Finding } from "#contract/egress.ts";
import { type JobState, type JobView, type LogLine, REASON_CODES } from "#contract/job.ts";
import { coarseInstant } from "#kernel/coarse-time.ts";
import { AppError } from "#kernel/errors.ts";
import type { Database, JobRow } from "#persistence/index.ts";

type Job = Selectable<JobRow>;

export interface JobFilter {
  /** Only jobs of this organisation; undefined for the operator. */
  organisation?: string | undefined;
  scenario?: string | undefined;
  state?: JobState | undefined;
  limit: number;
  /** Jobs before this id, newest first. */
  before?: string | undefined;
}

/** Reads one job. Throws `not_found` also when the organisation may not see it. */
export async function getJob(db: Database, id: string, organisation?: string): Promise<Job> {
  let query = db.selectFrom("jobs").selectAll().where("id", "=", id);
  if (organisation !== undefined) query = query.where("organisation", "=", organisation);
  const job = await query.executeTakeFirst();
  if (!job) throw new AppError("not_found");
  return job;
}

export async function listJobs(db: Database, filter: JobFilter): Promise<Job[]> {
  let query = db.selectFrom("jobs").selectAll().orderBy("id", "desc").limit(filter.limit);
  if (filter.organisation !== undefined) query = query.where("organisation", "=", filter.organisation);
  if (filter.scenario !== undefined) query = query.where("scenario", "=", filter.scenario);
  if (filter.state !== undefined) query = query.where("state", "=", filter.state);
  if (filter.before !== undefined) query = query.where("id", "<", filter.before);
  return query.execute();
}

export async function jobOutputs(db: Database, job: string) {
  return db.selectFrom("job_outputs").selectAll().where("job", "=", job).orderBy("position").execute();
}

export async function jobLog(db: Database, job: string, page: { after: number; limit: number }): Promise<LogLine[]> {
  return db
    .selectFrom("job_log")
    .select(["seq", "level", "text"])
    .where("job", "=", job)
    .where("seq", ">", page.after)
    .orderBy("seq")
    .limit(page.limit)
    .execute();
}

export interface JobLinks {
  requestId?: string | undefined;
  releaseId?: string | undefined;
}

/** No evidence, no counts, no place where it ran; its owner sees times in whole seconds. */
export function viewJob(
  job: Job,
  outputs: JobView["outputs"],
  { viewer, ...links }: JobLinks & { viewer: "owner" | "staff" },
): JobView {
  const time = viewer === "owner" ? coarseInstant : (at: Date) => at.toISOString();
  return {
    id: job.id,
    scenario: job.scenario,
    organisation: job.organisation,
    submittedBy: job.submitted_by,
    ...(job.title === null ? {} : { title: job.title }),
    image: job.image,
    class: job.class,
    mode: job.mode,
    state: job.state,
    ...(job.reason_code === null ? {} : { reasonCode: job.reason_code, reason: reasonText(job) }),
    submittedAt: time(job.submitted_at),
    ...(job.started_at === null ? {} : { startedAt: time(job.started_at) }),
    ...(job.finished_at === null ? {} : { finishedAt: time(job.finished_at) }),
    outputs,
    egress: {
      verdict: job.verdict,
      ...(links.requestId === undefined ? {} : { requestId: links.requestId }),
      ...(links.releaseId === undefined ? {} : { releaseId: links.releaseId }),
      findings: job.findings.filter(isForDeveloper),
    },
  };
}

function reasonText(job: Job): string {
  const text = job.reason_code === null ? "" : REASON_CODES[job.reason_code];
  // INVARIANT: text of the script is shown only where its results would leave by themselves
  return job.reason !== null && job.text_visible ? `${text}: ${job.reason}` : text;
}

/** Thresholds tell of the data: reviewers read of them in the evidence, the developer learns the family only. */
function isForDeveloper(finding: Finding): boolean {
  return finding.effect !== "note" || finding.family !== "threshold";
}
