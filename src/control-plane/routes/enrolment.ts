import { withAudit } from "#audit/index.ts";
import { NodeEnrolled, NodeEnrolment } from "#contract/node.ts";
import type { RunnerAuthenticator } from "#identity/index.ts";
import { enrolNode } from "#nodes/index.ts";
import type { EventDraft } from "#security/index.ts";
import { noteEvents } from "#security/index.ts";
import type { Deployment } from "../deployment.ts";
import { bearerToken } from "../plugins/access.ts";
import { problemResponses } from "../problem-responses.ts";
import type { App } from "../route.ts";
import { tellEvents } from "../security-news.ts";

/** Tries from one address. */
const ENROLMENTS_PER_MINUTE = 30;

/** `POST /runner/v1/enrolment`: a node brings its one-time token and the key that it will sign with from then on. */
export function enrolmentRoute(
  app: App,
  deployment: Deployment,
  { authenticator, audience }: { authenticator: RunnerAuthenticator; audience: string },
): void {
  app.post(
    "/runner/v1/enrolment",
    {
      config: {
        access: { roles: "open", audit: "runner.enrolled", enrolment: true },
        rateLimit: { max: ENROLMENTS_PER_MINUTE },
      },
      bodyLimit: 16 * 1024,
      schema: { body: NodeEnrolment, response: { 200: NodeEnrolled, ...problemResponses(409) } },
    },
    async (request) => {
      const { name, publicKey, proof } = request.body;
      const token = bearerToken(request);
      const thumbprint = await authenticator.proveKey(publicKey, proof, token);
      const by = { actor: { kind: "runner" as const, id: name }, clock: deployment.clock, requestId: request.id };
      const events = await withAudit(deployment.db, by, async (context): Promise<EventDraft[]> => {
        if (!(await enrolNode(context, { name, token, publicKey, thumbprint }))) return [];
        const atMs = deployment.clock.nowMs();
        const details = { thumbprint, address: request.ip };
        const enrolled = { kind: "runner.enrolled" as const, atMs, text: name, runner: name, details };
        return noteEvents(context, deployment.bundle.security, [enrolled]);
      });
      tellEvents(deployment, events);
      return { name, audience };
    },
  );
}
