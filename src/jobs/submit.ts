import { type Selectable, sql } from "kysely";
import { type AuditContext, recordLater } from "#audit/index.ts";
import type { ValidChain } from "#authority/index.ts";
import type { Image } from "#contract/image.ts";
import type { JobClass, JobSubmit } from "#contract/job.ts";
import type { Quota } from "#contract/scenario.ts";
import type { Principal } from "#identity/index.ts";
import { AppError } from "#kernel/errors.ts";
import { sha256 } from "#kernel/digest.ts";
import { createId } from "#kernel/ids.ts";
import {
  noteUse,
  type QueueCounts,
  queueCounts,
  type QueueLimits,
  queueRefusal,
  requireQuota,
} from "#scheduling/index.ts";
import { type JobRow, json } from "#persistence/index.ts";

type Job = Selectable<JobRow>;

export interface Submission {
  principal: Principal;
  request: JobSubmit;
  /** The valid chain of authority, checked in the same transaction. */
  chain: ValidChain;
  image: Image;
  /** Most jobs that may wait at once; one more is refused. */
  queue: QueueLimits;
}

/** Writes the job and its audit entry; the caller acknowledges after the commit. Refuses what is too much: `queue_full`, `organisation_queue_full`, `quota_exceeded`, `class_not_agreed`. */
export async function submitJob(context: AuditContext, submission: Submission): Promise<Job> {
  const { principal, request, image } = submission;
  checkSource(request, image);
  const values = jobValues(context, submission);
  const { quota } = submission.chain.agreement;
  const mayRelease = values.request_egress && values.mode === "run";
  if (quota) {
    await requireQueuePlace(context, values.organisation, submission.queue);
    await requireQuota(context, { scenario: values.scenario, quota, class: values.class, mayRelease });
  }
  const row = { ...values, ...DEFAULTS };
  await insertJob(context, row, submission.queue);
  recordLater(context, {
    action: "job.submitted",
    subject: { kind: "job", id: row.id },
    detail: {
      scenario: row.scenario,
      organisation: principal.organisation,
      image: row.image,
      imageDigest: row.image_digest,
      source: sha256(row.sql ?? row.script ?? ""),
      class: row.class,
      mode: row.mode,
    },
  });
  noteUse(context, { scenario: row.scenario, organisation: row.organisation, jobs: 1 });
  return row;
}

function checkSource(request: JobSubmit, image: Image): void {
  if (request.mode === "twin") throw new AppError("not_supported", "synthetic twins are not available on this server");
  const { sql: query, script } = request;
  if (image.kind === "sql" && (query === undefined || script !== undefined)) {
    throw new AppError("invalid_request", `${request.image} takes \`sql\`, and no \`script\``);
  }
  if (image.kind === "javascript" && (script === undefined || query !== undefined)) {
    throw new AppError("invalid_request", `${request.image} takes \`script\`, and no \`sql\``);
  }
}

/** Interactive, unless the agreement is for batch only. */
function defaultClass(quota: Quota | null): JobClass {
  return quota?.classes && !quota.classes.includes("interactive") ? "batch" : "interactive";
}

/** Where a quota is counted under a lock: a full queue is told before. */
async function requireQueuePlace({ tx }: AuditContext, organisation: string, limits: QueueLimits): Promise<void> {
  const { rows } = await queueCounts(organisation, limits).execute(tx);
  const refusal = queueRefusal(rows[0]!, limits);
  if (refusal) throw refusal;
}

/** Counts what waits and writes the job if there is a place for it, in one statement. */
async function insertJob({ tx }: AuditContext, row: Job, limits: QueueLimits): Promise<void> {
  const { rows } = await sql<QueueCounts>`
    with counts as materialized (${queueCounts(row.organisation, limits)}),
    made as (
      insert into jobs (id, scenario, organisation, submitted_by, title, image, image_digest, class, mode, sql, script,
        parameters, product_type, recipients, request_egress, state, verdict, findings, stages, authority, submitted_at)
      select r.* from jsonb_to_record(${json(row)}) as r(id text, scenario text, organisation text, submitted_by text,
        title text, image text, image_digest text, class text, mode text, sql text, script text, parameters jsonb,
        product_type text, recipients text[], request_egress boolean, state text, verdict text, findings jsonb,
        stages jsonb, authority jsonb, submitted_at timestamptz), counts
      where counts.own < ${limits.organisation} and counts.total < ${limits.total}
    )
    select own, total from counts`.execute(tx);
  const refusal = queueRefusal(rows[0]!, limits);
  if (refusal) throw refusal;
}

/** What a new job has of columns that it does not set. */
const DEFAULTS = { text_visible: false, usage: null, attempts: 0, cancel_requested: false, log_read_at: null };

/** One durable row says both: accepted and waiting. */
const WAITING = {
  state: "queued",
  reason_code: null,
  reason: null,
  label: null,
  verdict: "pending",
  facts: null,
  confinement: null,
  lease: null,
  runner: null,
  lease_expires_at: null,
  started_at: null,
  finished_at: null,
} as const;

function jobValues(context: AuditContext, { principal, request, chain, image }: Submission) {
  const nowMs = context.clock.nowMs();
  const versions = Object.fromEntries(chain.products.map((product) => [product.id, product.version!.id]));
  const productType = request.outputs?.productType ?? chain.opinion?.outputs[0] ?? "statistical_report";
  return {
    id: createId("job", nowMs),
    scenario: request.scenario,
    organisation: principal.organisation,
    submitted_by: principal.subject,
    title: request.title ?? null,
    image: request.image,
    image_digest: image.digest,
    class: request.class ?? defaultClass(chain.agreement.quota),
    mode: request.mode === "validate" ? ("validate" as const) : ("run" as const),
    sql: request.sql ?? null,
    script: request.script ?? null,
    parameters: request.parameters ?? {},
    product_type: productType,
    recipients: request.outputs?.recipients ?? [principal.organisation],
    request_egress: request.requestEgress ?? true,
    ...WAITING,
    findings: [],
    stages: {},
    authority: {
      profile: chain.opinion?.profile ?? "controlled",
      opinionNumber: chain.opinion?.number ?? null,
      versions,
    },
    submitted_at: new Date(nowMs),
  };
}
