import type { FastifyReply, FastifyRequest } from "fastify";
import { type Static, type TObject, Type } from "typebox";
import { getScenario, type ScenarioAction, takeStep } from "#authority/index.ts";
import { Name } from "#contract/common.ts";
import type { Role } from "#contract/organisation.ts";
import { Agreement, ExpertOpinion, Opinion, ScenarioView } from "#contract/scenario.ts";
import { AppError } from "#kernel/errors.ts";
import { allowEmptyBody } from "../empty-body.ts";
import { createIdempotently } from "../idempotency.ts";
import { problemResponses } from "../problem-responses.ts";
import { type App, principalOf } from "../route.ts";
import type { Deployment } from "../deployment.ts";

const Params = Type.Object({ id: Name });
const Reason = Type.String({ minLength: 1, maxLength: 2000 });
const closed = { additionalProperties: false };

const Nothing = Type.Object({}, closed);
const Because = Type.Object({ reason: Reason }, closed);
const ApproveBody = Type.Object({ expertOpinion: Type.Optional(ExpertOpinion) }, closed);
const SignBody = Type.Object({ agreement: Type.Optional(Agreement) }, closed);
const OpinionBody = Type.Object({ opinion: Type.Optional(Opinion) }, closed);
const GoLiveBody = Type.Object(
  { opinion: Type.String({ minLength: 1, description: "Number of the opinion" }) },
  closed,
);

interface StepRoute<B extends TObject> {
  /** Last part of the path. */
  name: string;
  roles: readonly Role[];
  audit: string;
  summary: string;
  body: B;
  action(scenario: string, body: Static<B>): ScenarioAction;
}

/** The steps that people take with a scenario; who may and when is decided by `takeStep`. */
export function scenarioStepRoutes(app: App, deployment: Deployment): void {
  const add = <B extends TObject>(route: StepRoute<B>): void => addStep(app, deployment, route);
  decisionSteps(add);
  operatorSteps(add, deployment);
  stopSteps(add);
}

type Add = <B extends TObject>(route: StepRoute<B>) => void;

function decisionSteps(add: Add): void {
  const roles = ["implementing_body"] as const;
  add({
    name: "approve",
    roles,
    audit: "scenario.approved",
    body: ApproveBody,
    summary: "Approve a scenario on the basis of an expert opinion",
    action: (scenario, { expertOpinion }) => ({ step: "approve", scenario, expertOpinion }),
  });
  add({
    name: "reject",
    roles,
    audit: "scenario.rejected",
    body: Because,
    summary: "Reject a scenario",
    action: (scenario, { reason }) => ({ step: "reject", scenario, reason }),
  });
  add({
    name: "go-live",
    roles,
    audit: "scenario.went_live",
    body: GoLiveBody,
    summary: "Decide that a scenario goes live, citing its filed opinion by number",
    action: (scenario, { opinion }) => ({ step: "go_live", scenario, opinion }),
  });
}

function operatorSteps(add: Add, { bundle }: Deployment): void {
  const roles = ["operator"] as const;
  add({
    name: "sign",
    roles,
    audit: "scenario.signed",
    body: SignBody,
    summary: "Sign the cooperation agreement with the developer",
    action: (scenario, { agreement }) => ({ step: "sign", scenario, agreement }),
  });
  add({
    name: "file",
    roles,
    audit: "scenario.filed",
    body: Nothing,
    summary: "File the cooperation agreement with the implementing body",
    action: (scenario) => ({ step: "file", scenario }),
  });
  add({
    name: "opinion",
    roles,
    audit: "scenario.opinion_issued",
    body: OpinionBody,
    summary: "Issue the pre-review opinion; one that is in force is superseded",
    action: (scenario, { opinion }) => {
      if (opinion && !bundle.profiles.has(opinion.profile)) {
        throw new AppError("invalid_request", `There is no profile ${opinion.profile}`);
      }
      return { step: "issue_opinion", scenario, opinion };
    },
  });
  add({
    name: "file-opinion",
    roles,
    audit: "scenario.opinion_filed",
    body: Nothing,
    summary: "File the pre-review opinion with the implementing body",
    action: (scenario) => ({ step: "file_opinion", scenario }),
  });
}

function stopSteps(add: Add): void {
  add({
    name: "suspend",
    audit: "scenario.suspended",
    body: Because,
    roles: ["operator", "security", "implementing_body"],
    summary: "Stop a scenario at once: no job, no release",
    action: (scenario, { reason }) => ({ step: "suspend", scenario, reason }),
  });
  const roles = ["implementing_body"] as const;
  add({
    name: "resume",
    roles,
    audit: "scenario.resumed",
    body: Because,
    summary: "Let a suspended scenario go on where it was",
    action: (scenario, { reason }) => ({ step: "resume", scenario, reason }),
  });
  add({
    name: "terminate",
    roles,
    audit: "scenario.terminated",
    body: Because,
    summary: "End a scenario for good, with its agreement and opinion",
    action: (scenario, { reason }) => ({ step: "terminate", scenario, reason }),
  });
}

function addStep<B extends TObject>(app: App, deployment: Deployment, route: StepRoute<B>): void {
  app.post(
    `/v1/scenarios/:id/${route.name}`,
    {
      config: { access: { roles: route.roles, audit: route.audit } },
      preValidation: allowEmptyBody,
      schema: {
        operationId: `${route.name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())}Scenario`,
        summary: route.summary,
        tags: ["scenarios"],
        params: Params,
        body: route.body,
        response: { 200: ScenarioView, ...problemResponses(404, 409, 422) },
      },
    },
    async (request, reply) => {
      // The body was checked against this route's schema; the type of a generic schema does not carry through.
      const action = route.action(request.params.id, request.body as Static<B>);
      return step(deployment, { request, reply }, action);
    },
  );
}

async function step(
  deployment: Deployment,
  exchange: { request: FastifyRequest; reply: FastifyReply },
  action: ScenarioAction,
): Promise<Static<typeof ScenarioView>> {
  const answer = await createIdempotently(deployment, exchange, async (context) => {
    await takeStep(context, action);
    return { status: 200, body: await getScenario(context.tx, action.scenario, principalOf(exchange.request)) };
  });
  return answer.body as Static<typeof ScenarioView>;
}
