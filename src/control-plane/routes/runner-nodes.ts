import { Type } from "typebox";
import { withAudit } from "#audit/index.ts";
import { Name } from "#contract/common.ts";
import { NodeInvitation, NodeInvite, NodePage, NodeRevoke, NodeView } from "#contract/node.ts";
import { AppError } from "#kernel/errors.ts";
import { findNode, inviteNode, listNodes, type LostLeases, revokeNode } from "#nodes/index.ts";
import { type EventDraft, noteEvents } from "#security/index.ts";
import type { Deployment } from "../deployment.ts";
import { auditorOf } from "../idempotency.ts";
import { problemResponses } from "../problem-responses.ts";
import { type App, principalOf } from "../route.ts";
import { noteEnds, tellEvents } from "../security-news.ts";

const Params = Type.Object({ name: Name });
const tags = ["runner nodes"];

/** Machines that may take jobs over the network: invited, listed, revoked. */
export function runnerNodeRoutes(app: App, deployment: Deployment): void {
  inviteRoute(app, deployment);
  revokeRoute(app, deployment);
  app.get(
    "/v1/runner-nodes",
    {
      config: { access: { roles: ["operator", "security"], audit: "read" } },
      schema: {
        operationId: "listRunnerNodes",
        summary: "All runner nodes, by name",
        tags,
        response: { 200: NodePage, ...problemResponses() },
      },
    },
    async () => ({ items: await listNodes(deployment.db) }),
  );
}

function inviteRoute(app: App, deployment: Deployment): void {
  app.post(
    "/v1/runner-nodes",
    {
      config: { access: { roles: ["operator"], audit: "runner.invited" } },
      schema: {
        operationId: "inviteRunnerNode",
        summary: "Invite a runner node: the answer is the only place where its one-time token is shown",
        tags,
        body: NodeInvite,
        response: { 201: NodeInvitation, ...problemResponses(409) },
      },
    },
    async (request, reply) => {
      const { name } = request.body;
      const by = auditorOf(request, deployment);
      const invitation = await withAudit(deployment.db, by, async (context) => inviteNode(context, name));
      return reply.code(201).header("cache-control", "no-store").send(invitation);
    },
  );
}

function revokeRoute(app: App, deployment: Deployment): void {
  app.post(
    "/v1/runner-nodes/:name/revoke",
    {
      config: { access: { roles: ["operator", "security"], audit: "runner.revoked" } },
      schema: {
        operationId: "revokeRunnerNode",
        summary: "Revoke a runner node at once: its requests are refused, its jobs are given to others",
        tags,
        params: Params,
        body: NodeRevoke,
        response: { 200: NodeView, ...problemResponses(404, 409) },
      },
    },
    async (request) => {
      const { name } = request.params;
      const { subject } = principalOf(request);
      const events = await withAudit(deployment.db, auditorOf(request, deployment), async (context) => {
        const lost = await revokeNode(context, { name, reason: request.body.reason });
        const drafts = revocationEvents(lost, { name, by: subject, reason: request.body.reason, deployment });
        const noted = await noteEvents(context, deployment.bundle.security, drafts);
        return [...noted, ...(await noteEnds(deployment, context, lost.failed))];
      });
      tellEvents(deployment, events);
      for (const kind of ["jobs", "ingests"] as const) deployment.signal.work(kind);
      const node = await findNode(deployment.db, name);
      if (!node) throw new AppError("not_found");
      return node;
    },
  );
}

function revocationEvents(
  { lost, requeued }: LostLeases,
  { name, by, reason, deployment }: { name: string; by: string; reason: string; deployment: Deployment },
): EventDraft[] {
  const atMs = deployment.clock.nowMs();
  const own = lost.filter(({ runner }) => runner === name).length;
  const revoked = { kind: "runner.revoked" as const, atMs, text: reason, runner: name, details: { by, leases: own } };
  const leases = lost.map((job) => ({
    kind: "runner.lost" as const,
    atMs,
    text: `the lease of ${job.runner ?? "a runner"} ended`,
    details: { requeued: requeued.includes(job.id), attempts: job.attempts },
    job: job.id,
    organisation: job.organisation,
    scenario: job.scenario,
    runner: job.runner ?? undefined,
  }));
  return [revoked, ...leases];
}
