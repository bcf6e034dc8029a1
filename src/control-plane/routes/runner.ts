import { Type } from "typebox";
import { withAudit } from "#audit/index.ts";
import { encodeFrame } from "#contract/frame.ts";
import { HeartbeatAnswer, LeaseProgress, LeaseRequest, ReportAnswer } from "#contract/runner.ts";
import { startJob } from "#jobs/index.ts";
import { jobStart, noteEvents } from "#security/index.ts";
import { problemResponses } from "../problem-responses.ts";
import type { App } from "../route.ts";
import { noteRunner, tellEvents } from "../security-news.ts";
import { takeReport } from "../take-report.ts";
import type { Deployment } from "../deployment.ts";
import { waitForWork } from "../offer-work.ts";
import { createSeenRunners } from "../seen-runners.ts";
import { heartbeat, noteIngestProgress } from "../lease-kinds.ts";

const Params = Type.Object({ lease: Type.String({ pattern: "^lse_[0-9a-z]{26}$" }) });
const access = { roles: "open" as const, audit: "read" };
const Accepted = Type.Object({ accepted: Type.Boolean() });

/** The runner's own listener: leases out, heartbeats, progress and reports in. Guarded by the runner's token. */
export function runnerRoutes(app: App, deployment: Deployment): void {
  const seenRunners = createSeenRunners(deployment);
  const onAsk = async (asked: LeaseRequest) => {
    await noteRunner(deployment, asked);
    await seenRunners.note(asked);
  };
  leaseRoute(app, deployment, onAsk);
  lifeRoutes(app, deployment);
  app.post(
    "/runner/v1/leases/:lease/report",
    {
      logLevel: "warn",
      config: { access },
      schema: { params: Params, response: { 200: ReportAnswer, ...problemResponses() } },
    },
    async ({ params: { lease }, body, node }) => takeReport(deployment, { lease, body: body as Buffer, node, onAsk }),
  );
}

function leaseRoute(app: App, deployment: Deployment, onAsk: (asked: LeaseRequest) => Promise<void>): void {
  app.post(
    "/runner/v1/leases",
    { logLevel: "warn", config: { access }, schema: { body: LeaseRequest } },
    async (request, reply) => {
      const gone = new AbortController();
      reply.raw.once("close", () => gone.abort());
      await onAsk(request.body);
      const { stopping } = deployment;
      const end = stopping ? AbortSignal.any([gone.signal, stopping]) : gone.signal;
      const offered = await waitForWork(deployment, request.body, end);
      const frame = Buffer.concat(encodeFrame({ offers: offered.offers }, offered.parts));
      return reply.type("application/vnd.sluice.frame").send(frame);
    },
  );
}

function lifeRoutes(app: App, deployment: Deployment): void {
  app.post(
    "/runner/v1/leases/:lease/heartbeat",
    {
      logLevel: "warn",
      config: { access },
      schema: { params: Params, response: { 200: HeartbeatAnswer, ...problemResponses() } },
    },
    async (request) => heartbeat(deployment, request.params.lease),
  );
  app.post(
    "/runner/v1/leases/:lease/progress",
    {
      logLevel: "warn",
      config: { access },
      schema: { params: Params, body: LeaseProgress, response: { 200: Accepted, ...problemResponses() } },
    },
    async (request) => {
      const { lease } = request.params;
      const { stage, rows } = request.body;
      if (stage === "ingesting") {
        await noteIngestProgress(deployment, lease, rows ?? 0);
        return { accepted: true };
      }
      const by = { actor: { kind: "runner" as const, id: lease }, clock: deployment.clock, requestId: request.id };
      const started = await withAudit(deployment.db, by, async (context) => {
        const job = await startJob(context, lease);
        return job && { job, events: await noteEvents(context, deployment.bundle.security, [jobStart(job)]) };
      });
      if (!started) return { accepted: false };
      tellEvents(deployment, started.events);
      const at = new Date(deployment.clock.nowMs()).toISOString();
      deployment.signal.job(started.job.id, { type: "state", state: "running", at });
      return { accepted: true };
    },
  );
}
