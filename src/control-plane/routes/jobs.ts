import type { FastifyRequest } from "fastify";
import { type Static, Type } from "typebox";
import { type AuditContext, record, withAudit } from "#audit/index.ts";
import { checkAuthority } from "#authority/index.ts";
import { Name, Page, PageQuery } from "#contract/common.ts";
import { canShowOutputs } from "#contract/egress.ts";
import { JobState, JobSubmit, JobView, LogLine, TERMINAL_STATES } from "#contract/job.ts";
import { getJobWithOutcome, type JobOutcome, readOutcomes } from "#egress/index.ts";
import { cancelJob, getJob, jobLog, listJobs, submitJob, viewJob } from "#jobs/index.ts";
import type { Principal } from "#identity/index.ts";
import { AppError } from "#kernel/errors.ts";
import { pageOf, parseCursor } from "#kernel/page.ts";
import type { EventDraft } from "#security/index.ts";
import { auditorOf, createIdempotently } from "../idempotency.ts";
import { problemResponses } from "../problem-responses.ts";
import { type App, principalOf } from "../route.ts";
import type { Deployment } from "../deployment.ts";
import { requireUnsuspended } from "../require-unsuspended.ts";
import { noteLogRead } from "../note-log-read.ts";
import { noteAlone, noteEnds, tellEvents } from "../security-news.ts";
import { listenForEnd, waitForJob, waitSeconds } from "../wait-for-job.ts";
import { ownOrganisation } from "../visibility.ts";
import { jobEventRoutes } from "./job-events.ts";

const JobParams = Type.Object({ id: Type.String({ maxLength: 64 }) });
const JobQuery = Type.Object(
  { ...PageQuery.properties, scenario: Type.Optional(Name), state: Type.Optional(JobState) },
  { additionalProperties: false },
);
const LogQuery = Type.Object(
  {
    after: Type.Optional(Type.Integer({ minimum: 0, default: 0 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 1000 })),
  },
  { additionalProperties: false },
);
const tags = ["jobs"];
const READ_ACCESS = { roles: ["developer", "operator", "reviewer", "security"] as const, audit: "read" };

export function jobRoutes(app: App, deployment: Deployment): void {
  submitRoute(app, deployment);
  getRoute(app, deployment);
  listRoute(app, deployment);
  cancelRoute(app, deployment);
  logRoute(app, deployment);
  jobEventRoutes(app, deployment);
}

/** The job as a response, with the request and release that it led to. */
export async function presentJob(
  deployment: Deployment,
  id: string,
  organisation?: string,
): Promise<Static<typeof JobView>> {
  const { job, outcome } = await getJobWithOutcome(deployment.db, id, organisation);
  return presentOne(job, TERMINAL_STATES.includes(job.state) ? outcome : undefined, organisation);
}

async function presentJobs({ db }: Deployment, jobs: Awaited<ReturnType<typeof listJobs>>, organisation?: string) {
  const ended = jobs.filter(({ state }) => TERMINAL_STATES.includes(state)).map(({ id }) => id);
  const outcomes = await readOutcomes(db, ended);
  return jobs.map((job) => presentOne(job, outcomes.get(job.id), organisation));
}

function presentOne(job: Awaited<ReturnType<typeof getJob>>, outcome: JobOutcome | undefined, organisation?: string) {
  const viewer = organisation === undefined ? "staff" : "owner";
  const { outputs = [], ...links }: Partial<JobOutcome> = outcome ?? {};
  const shown = organisation === undefined || canShowOutputs(job.text_visible, links.releaseId);
  return viewJob(job, shown ? outputs : [], { ...links, viewer });
}

function submitRoute(app: App, deployment: Deployment): void {
  app.post(
    "/v1/jobs",
    {
      config: { access: { roles: ["developer"], audit: "job.submitted" } },
      schema: {
        operationId: "submitJob",
        summary: "Submit a job; `Prefer: wait=N` waits up to N seconds for its end",
        tags,
        body: JobSubmit,
        response: { 200: JobView, 202: JobView, ...problemResponses(403, 409, 413, 415, 422, 501) },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const sharing = { request, reply, group: deployment.writes.submissions };
      const answer = await createIdempotently(deployment, sharing, async (context) => {
        const job = await acceptJob(deployment, context, { principal, request: request.body });
        return { status: 202, body: viewJob(job, [], { viewer: "owner" }), location: `/v1/jobs/${job.id}` };
      });
      const view = answer.body as Static<typeof JobView>;
      const seconds = waitSeconds(request.headers.prefer);
      // who waits for the end listens before anybody takes the job
      const ended = seconds === 0 ? undefined : listenForEnd(deployment, view.id);
      if (!answer.replayed) deployment.signal.work("jobs");
      void reply.header("location", answer.location);
      if (!ended) return reply.code(202).send(view);
      await waitForJob(deployment, view.id, { timeoutMs: seconds * 1000, ended, isNew: !answer.replayed });
      void reply.header("preference-applied", `wait=${seconds}`);
      const current = await presentJob(deployment, view.id, principal.organisation);
      return reply.code(TERMINAL_STATES.includes(current.state) ? 200 : 202).send(current);
    },
  );
}

/** Authority and job in one transaction: what lapses meanwhile has no job. */
async function acceptJob(
  { images, clock, config }: Deployment,
  context: AuditContext,
  { principal, request }: { principal: Principal; request: JobSubmit },
) {
  const image = images.get(request.image);
  if (!image) throw new AppError("invalid_request", `there is no image ${request.image}`);
  const { scenario } = request;
  if (image.needsGrant && !config.jitScenarios.includes(scenario)) throw new AppError("image_refused");
  const question = { scenario, organisation: principal.organisation, purpose: "job" as const, clock };
  const authority = await checkAuthority(context.tx, question);
  if (authority.effect === "deny") throw authorityError(authority.reasons);
  return submitJob(context, { principal, request, chain: authority.chain, image, queue: config.queue });
}

/** A scenario that the caller may not see is not distinguished from one that does not exist. */
function authorityError(reasons: readonly { code: string }[] | readonly string[]): AppError {
  const codes = reasons.map((reason) => (typeof reason === "string" ? reason : reason.code));
  if (codes.includes("scenario_unknown")) return new AppError("not_found", "there is no such scenario");
  return new AppError("authority_missing", undefined, { details: { reasons: codes } });
}

function getRoute(app: App, deployment: Deployment): void {
  app.get(
    "/v1/jobs/:id",
    {
      config: { access: READ_ACCESS },
      schema: {
        operationId: "getJob",
        summary: "One job",
        tags,
        params: JobParams,
        response: { 200: JobView, ...problemResponses(404) },
      },
    },
    async (request) => presentJob(deployment, request.params.id, ownOrganisation(principalOf(request))),
  );
}

function listRoute(app: App, deployment: Deployment): void {
  app.get(
    "/v1/jobs",
    {
      config: { access: READ_ACCESS },
      schema: {
        operationId: "listJobs",
        summary: "Jobs, newest first",
        tags,
        querystring: JobQuery,
        response: { 200: Page(JobView), ...problemResponses() },
      },
    },
    async (request) => {
      const { limit = 50, cursor, scenario, state } = request.query;
      const organisation = ownOrganisation(principalOf(request));
      const jobs = await listJobs(deployment.db, {
        organisation,
        scenario,
        state,
        limit: limit + 1,
        before: parseCursor(cursor),
      });
      const { items, ...page } = pageOf(jobs, limit);
      return { items: await presentJobs(deployment, items, organisation), ...page };
    },
  );
}

function cancelRoute(app: App, deployment: Deployment): void {
  app.post(
    "/v1/jobs/:id/cancel",
    {
      config: { access: { roles: ["developer"], audit: "job.cancelled" } },
      schema: {
        operationId: "cancelJob",
        summary: "Cancel a job",
        tags,
        params: JobParams,
        response: { 202: JobView, ...problemResponses(404, 409) },
      },
    },
    async (request, reply) => {
      const { organisation } = principalOf(request);
      const { id } = request.params;
      const events = await withAudit(deployment.db, auditorOf(request, deployment), async (context) => {
        await cancelJob(context, id, organisation);
        return noteEnds(deployment, context, [id]);
      });
      tellEvents(deployment, events);
      const view = await presentJob(deployment, id, organisation);
      deployment.signal.job(id, {
        type: "state",
        state: view.state,
        at: new Date(deployment.clock.nowMs()).toISOString(),
      });
      return reply.code(202).send(view);
    },
  );
}

function logRoute(app: App, deployment: Deployment): void {
  app.get(
    "/v1/jobs/:id/log",
    {
      config: { access: { roles: ["developer", "operator", "reviewer", "security"], audit: "job.log_viewed" } },
      schema: {
        operationId: "getJobLog",
        summary:
          "Log of a job. Its owner sees it only when its results may leave by themselves and were not called back; the first look is recorded and, " +
          "where nothing of the job was released, counts as a release. Others' looks are recorded each",
        tags,
        params: JobParams,
        querystring: LogQuery,
        response: {
          200: Type.Object({ label: Type.Optional(Type.String()), items: Type.Array(LogLine) }),
          ...problemResponses(404),
        },
      },
    },
    async (request) => {
      const organisation = ownOrganisation(principalOf(request));
      const job = await getJob(deployment.db, request.params.id, organisation);
      const label = job.label === null ? {} : { label: job.label };
      // INVARIANT: what a script writes leaves for its owner only where its results would leave by themselves
      if (organisation !== undefined && !job.text_visible) return { ...label, items: [] };
      if (organisation === undefined) await noteLogView(deployment, request, job);
      else {
        await requireUnsuspended(deployment, job);
        if (job.log_read_at === null) {
          await withAudit(deployment.db, auditorOf(request, deployment), async (context) =>
            noteLogRead(context, job.id),
          );
        }
      }
      const { after = 0, limit = 1000 } = request.query;
      return { ...label, items: await jobLog(deployment.db, job.id, { after, limit }) };
    },
  );
}

/** The entry of a look is durable before its answer. */
async function noteLogView(
  deployment: Deployment,
  request: FastifyRequest,
  { id, scenario, organisation, label }: Awaited<ReturnType<typeof getJob>>,
): Promise<void> {
  const { subject } = principalOf(request);
  const viewed: EventDraft = {
    kind: "log.viewed",
    atMs: deployment.clock.nowMs(),
    text: `${subject} read the log of ${id}`,
    details: { subject },
    job: id,
    scenario,
    organisation,
  };
  await noteAlone(deployment, auditorOf(request, deployment), {
    drafts: [viewed],
    entry: async (context) =>
      record(context, { action: "job.log_viewed", subject: { kind: "job", id }, detail: { label } }),
  });
}
