import { Type } from "typebox";
import { withAudit } from "#audit/index.ts";
import { RunnerView } from "#contract/runner.ts";
import { AppError } from "#kernel/errors.ts";
import { listRunners, setRunnerState } from "#scheduling/index.ts";
import type { Deployment } from "../deployment.ts";
import { auditorOf } from "../idempotency.ts";
import { problemResponses } from "../problem-responses.ts";
import type { App } from "../route.ts";

const Params = Type.Object({ name: Type.String({ minLength: 1, maxLength: 100 }) });
const Body = Type.Object(
  { reason: Type.Optional(Type.String({ minLength: 1, maxLength: 2000 })) },
  { additionalProperties: false },
);
const STEPS = [
  {
    step: "pause",
    state: "paused",
    audit: "runner.paused",
    does: "Stop giving a runner new work; what it has goes on",
  },
  { step: "drain", state: "draining", audit: "runner.drained", does: "The same, because the runner is to go" },
  { step: "resume", state: "active", audit: "runner.resumed", does: "Give a runner work again" },
] as const;

/** `/v1/runners`: the operator's view of the machines, and whether each takes new work. */
export function runnersRoutes(app: App, deployment: Deployment): void {
  app.get(
    "/v1/runners",
    {
      config: { access: { roles: ["operator", "security"], audit: "read" } },
      schema: {
        operationId: "listRunners",
        summary: "Runners, with what they have and whether they take work",
        tags: ["runners"],
        response: { 200: Type.Object({ items: Type.Array(RunnerView) }), ...problemResponses() },
      },
    },
    async () => ({ items: await listRunners(deployment.db) }),
  );
  for (const step of STEPS) stepRoute(app, deployment, step);
}

function stepRoute(app: App, deployment: Deployment, { step, state, audit, does }: (typeof STEPS)[number]): void {
  app.post(
    `/v1/runners/:name/${step}`,
    {
      config: { access: { roles: ["operator"], audit } },
      schema: {
        operationId: `${step}Runner`,
        summary: does,
        tags: ["runners"],
        params: Params,
        body: Body,
        response: { 200: RunnerView, ...problemResponses(404, 409, 415) },
      },
    },
    async (request) => {
      const { name } = request.params;
      const { reason } = request.body;
      await withAudit(deployment.db, auditorOf(request, deployment), async (context) => {
        await setRunnerState(context, name, { state, reason });
      });
      if (state === "active") for (const kind of ["jobs", "ingests"] as const) deployment.signal.work(kind);
      const view = (await listRunners(deployment.db)).find((runner) => runner.name === name);
      if (!view) throw new AppError("not_found");
      return view;
    },
  );
}
