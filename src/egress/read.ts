import { type Selectable, sql } from "kysely";
import { canShowOutputs, type EgressRequestView, type EgressState, type OutputDescriptor } from "#contract/egress.ts";
import type { ReleaseView } from "#contract/release.ts";
import { jobOutputs } from "#jobs/index.ts";
import { coarseInstant } from "#kernel/coarse-time.ts";
import { AppError } from "#kernel/errors.ts";
import type { Database, JobRow, Schema } from "#persistence/index.ts";

type RequestRow = Selectable<Schema["egress_requests"]>;
type ReleaseRow = Selectable<Schema["releases"]>;

export interface EgressFilter {
  organisation?: string | undefined;
  state?: EgressState | undefined;
  limit: number;
  before?: string | undefined;
}

export async function listEgressRequests(db: Database, filter: EgressFilter): Promise<RequestRow[]> {
  let query = db.selectFrom("egress_requests").selectAll().orderBy("id", "desc").limit(filter.limit);
  if (filter.organisation !== undefined) query = query.where("organisation", "=", filter.organisation);
  if (filter.state !== undefined) query = query.where("state", "=", filter.state);
  if (filter.before !== undefined) query = query.where("id", "<", filter.before);
  return query.execute();
}

export async function getEgressRequest(db: Database, id: string, organisation?: string): Promise<RequestRow> {
  let query = db.selectFrom("egress_requests").selectAll().where("id", "=", id);
  if (organisation !== undefined) query = query.where("organisation", "=", organisation);
  const row = await query.executeTakeFirst();
  if (!row) throw new AppError("not_found");
  return row;
}

/** Who looks at a request: its applicant's organisation, the operator, or a reviewer, who sees the evidence. */
export type EgressViewer = "owner" | "operator" | "reviewer";

export async function viewEgressRequest(
  db: Database,
  row: RequestRow,
  viewer: EgressViewer,
): Promise<EgressRequestView> {
  const outputs = await jobOutputs(db, row.job);
  const job = await db.selectFrom("jobs").select("text_visible").where("id", "=", row.job).executeTakeFirstOrThrow();
  const reviews = await reviewsOf(db, row.id);
  const release = await findReleaseOfRequest(db, row.id);
  const time = viewer === "owner" ? coarseInstant : (at: Date) => at.toISOString();
  const shown = viewer !== "owner" || canShowOutputs(job.text_visible, release?.id);
  return {
    id: row.id,
    job: row.job,
    scenario: row.scenario,
    organisation: row.organisation,
    applicant: row.applicant,
    state: row.state,
    verdict: row.verdict,
    productType: row.product_type,
    purpose: row.purpose,
    recipients: row.recipients,
    findings: row.findings,
    outputs: shown ? outputs.map((output) => output.descriptor) : [],
    reviews: reviews.map((review) => ({
      id: review.id,
      decision: review.decision,
      ...(viewer === "owner" ? {} : { reviewer: review.reviewer }),
      comment: review.comment,
      reasonCodes: review.reason_codes,
      at: review.created_at.toISOString(),
    })),
    ...(release === undefined ? {} : { releaseId: release.id }),
    createdAt: time(row.created_at),
    updatedAt: time(row.updated_at),
    ...(viewer === "reviewer" ? await reviewerParts(db, row) : {}),
  };
}

async function reviewsOf(db: Database, request: string) {
  return db.selectFrom("egress_reviews").selectAll().where("request", "=", request).orderBy("id").execute();
}

async function reviewerParts(db: Database, row: RequestRow) {
  const previous = await db
    .selectFrom("releases")
    .select("id")
    .where("scenario", "=", row.scenario)
    .where("request", "<>", row.id)
    .orderBy("id", "desc")
    .limit(100)
    .execute();
  const evidence = await evidenceOf(db, row.job);
  return { facts: row.facts, evidence, previousReleases: previous.map((release) => release.id) };
}

/** Of every statement of the job, in order. */
async function evidenceOf(db: Database, job: string) {
  const rows = await db
    .selectFrom("job_statements")
    .select("evidence")
    .where("job", "=", job)
    .orderBy("statement")
    .execute();
  return rows.map((row) => row.evidence);
}

async function findReleaseOfRequest(db: Database, request: string): Promise<{ id: string } | undefined> {
  return db.selectFrom("releases").select("id").where("request", "=", request).executeTakeFirst();
}

/** What became of a job that has ended: its outputs, its newest egress request and the release of that. */
export interface JobOutcome {
  outputs: OutputDescriptor[];
  requestId?: string;
  releaseId?: string;
}

/** One job and what became of it, in one statement. Throws `not_found` also when the organisation may not see it. */
export async function getJobWithOutcome(
  db: Database,
  id: string,
  organisation?: string,
): Promise<{ job: Selectable<JobRow>; outcome: JobOutcome }> {
  const owner = organisation === undefined ? sql`` : sql`and j.organisation = ${organisation}`;
  const { rows } = await sql<Selectable<JobRow> & OutcomeRow>`
    select j.*, e.request, e.release, ${OUTPUTS} as outputs from jobs j ${NEWEST_REQUEST}
    where j.id = ${id} ${owner}`.execute(db);
  if (!rows[0]) throw new AppError("not_found");
  const { request, release, outputs, ...job } = rows[0];
  return { job, outcome: outcomeOf({ request, release, outputs }) };
}

interface OutcomeRow {
  outputs: OutputDescriptor[] | null;
  request: string | null;
  release: string | null;
}

/** Of a job `j`. */
const OUTPUTS = sql`(select jsonb_agg(o.descriptor order by o.position) from job_outputs o where o.job = j.id)`;
const NEWEST_REQUEST = sql`
  left join lateral (
    select q.id as request, r.id as release from egress_requests q left join releases r on r.request = q.id
    where q.job = j.id order by q.id desc limit 1) e on true`;

function outcomeOf({ outputs, request, release }: OutcomeRow): JobOutcome {
  return {
    outputs: outputs ?? [],
    ...(request === null ? {} : { requestId: request }),
    ...(release === null ? {} : { releaseId: release }),
  };
}

/** Outcomes of jobs by their ids, in one statement; a job that has none yet is there without any. */
export async function readOutcomes(db: Database, jobs: readonly string[]): Promise<Map<string, JobOutcome>> {
  if (jobs.length === 0) return new Map();
  const { rows } = await sql<OutcomeRow & { job: string }>`
    select j.id as job, e.request, e.release, ${OUTPUTS} as outputs
    from unnest(${[...jobs]}::text[]) as j(id) ${NEWEST_REQUEST}`.execute(db);
  return new Map(rows.map((row) => [row.job, outcomeOf(row)]));
}

export interface ReleaseFilter {
  organisation?: string | undefined;
  scenario?: string | undefined;
  limit: number;
  before?: string | undefined;
}

export async function listReleases(db: Database, filter: ReleaseFilter): Promise<ReleaseRow[]> {
  let query = db.selectFrom("releases").selectAll().orderBy("id", "desc").limit(filter.limit);
  if (filter.organisation !== undefined) query = query.where("organisation", "=", filter.organisation);
  if (filter.scenario !== undefined) query = query.where("scenario", "=", filter.scenario);
  if (filter.before !== undefined) query = query.where("id", "<", filter.before);
  return query.execute();
}

export async function getRelease(db: Database, id: string, organisation?: string): Promise<ReleaseRow> {
  let query = db.selectFrom("releases").selectAll().where("id", "=", id);
  if (organisation !== undefined) query = query.where("organisation", "=", organisation);
  const row = await query.executeTakeFirst();
  if (!row) throw new AppError("not_found");
  return row;
}

export async function releaseOutputs(db: Database, release: string) {
  return db.selectFrom("release_outputs").selectAll().where("release", "=", release).orderBy("position").execute();
}

/** Its owner sees times in whole seconds, as of the job that it came from. */
export async function viewRelease(db: Database, row: ReleaseRow, viewer: "owner" | "staff"): Promise<ReleaseView> {
  const time = viewer === "owner" ? coarseInstant : (at: Date) => at.toISOString();
  const outputs = await releaseOutputs(db, row.id);
  return {
    id: row.id,
    job: row.job,
    egressRequest: row.request,
    scenario: row.scenario,
    organisation: row.organisation,
    state: row.state,
    verdict: row.verdict,
    productType: row.product_type,
    recipients: row.recipients,
    outputs: outputs.map((output) => output.descriptor),
    digest: row.digest,
    auditEntry: row.audit_entry,
    releasedAt: time(row.released_at),
    ...(row.revoked_at === null ? {} : { revokedAt: time(row.revoked_at) }),
  };
}
