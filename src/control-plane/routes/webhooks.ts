import { Type } from "typebox";
import { type AuditContext, withAudit } from "#audit/index.ts";
import type { Config } from "#config/index.ts";
import { listChores } from "#chores/index.ts";
import { Page, PageQuery, OneOf } from "#contract/common.ts";
import {
  ChoreView,
  DELIVERY_STATES,
  DeliveryView,
  WebhookSecret,
  WebhookSpec,
  type WebhookState,
  WebhookView,
} from "#contract/webhook.ts";
import { parseCursor } from "#kernel/page.ts";
import {
  type EndpointRules,
  getWebhook,
  listDeliveries,
  listWebhooks,
  putWebhook,
  redeliver,
  rotateSecret,
  setWebhookState,
} from "#webhooks/index.ts";
import type { Deployment } from "../deployment.ts";
import { allowEmptyBody } from "../empty-body.ts";
import { auditorOf, createIdempotently } from "../idempotency.ts";
import { problemResponses } from "../problem-responses.ts";
import type { App } from "../route.ts";

const tags = ["webhooks"];
const READ_ACCESS = { roles: ["operator", "audit", "security"] as const, audit: "read" };
const Params = Type.Object({ id: Type.String({ maxLength: 64 }) });
const DeliveryParams = Type.Object({
  id: Type.String({ maxLength: 64 }),
  entry: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
});
const DeliveryQuery = Type.Object(
  { ...PageQuery.properties, state: Type.Optional(OneOf(DELIVERY_STATES)) },
  { additionalProperties: false },
);
const Empty = Type.Object({}, { additionalProperties: false });

export function endpointRules({ webhookHosts, development }: Config): EndpointRules {
  return { hosts: webhookHosts, development };
}

/** Neighbouring systems that are told of changes, and the chores that tell them. */
export function webhookRoutes(app: App, deployment: Deployment): void {
  readRoutes(app, deployment);
  declareRoute(app, deployment);
  stateRoutes(app, deployment);
  secretRoutes(app, deployment);
  redeliverRoute(app, deployment);
}

function readRoutes(app: App, { db, clock }: Deployment): void {
  const config = { access: READ_ACCESS };
  const list = { operationId: "listWebhooks", summary: "Webhooks, and how far each is behind", tags };
  app.get(
    "/v1/webhooks",
    { config, schema: { ...list, response: { 200: Page(WebhookView), ...problemResponses() } } },
    async () => ({ items: await listWebhooks(db) }),
  );
  const deliveries = { operationId: "listDeliveries", summary: "Deliveries that did not succeed at once", tags };
  app.get(
    "/v1/webhooks/:id/deliveries",
    {
      config,
      schema: {
        ...deliveries,
        params: Params,
        querystring: DeliveryQuery,
        response: { 200: Page(DeliveryView), ...problemResponses(404) },
      },
    },
    async ({ params, query }) => {
      const { limit = 50, cursor, state } = query;
      await getWebhook(db, params.id);
      return listDeliveries(db, { webhook: params.id, limit, after: parseCursor(cursor), state });
    },
  );
  const chores = { operationId: "listChores", summary: "Background chores: when they ran, and what failed", tags };
  app.get(
    "/v1/chores",
    { config, schema: { ...chores, response: { 200: Page(ChoreView), ...problemResponses() } } },
    async () => ({ items: await listChores(db, clock.nowMs()) }),
  );
}

type Exchange = Parameters<typeof createIdempotently>[1];

/** Writes, once for an idempotency key, and answers with the webhook as it is afterwards. */
async function change(
  deployment: Deployment,
  { exchange, id }: { exchange: Exchange; id: string },
  work: (context: AuditContext) => Promise<unknown>,
): Promise<WebhookView> {
  const { body } = await createIdempotently(deployment, exchange, async (context) => {
    await work(context);
    return { status: 200, body: await getWebhook(context.tx, id) };
  });
  return body as WebhookView;
}

function declareRoute(app: App, deployment: Deployment): void {
  const rules = endpointRules(deployment.config);
  app.post(
    "/v1/webhooks",
    {
      config: { access: { roles: ["operator"], audit: "webhook.created" } },
      schema: {
        operationId: "putWebhook",
        summary: "Declare a webhook, or change the address and events of one",
        tags,
        body: WebhookSpec,
        response: { 200: WebhookView, ...problemResponses(422) },
      },
    },
    async (request, reply) =>
      change(deployment, { exchange: { request, reply }, id: request.body.id }, async (context) =>
        putWebhook(context, request.body, rules),
      ),
  );
}

function stateRoutes(app: App, deployment: Deployment): void {
  const steps: readonly { step: string; state: WebhookState; audit: string; summary: string }[] = [
    { step: "pause", state: "paused", audit: "webhook.paused", summary: "Send nothing until it is resumed" },
    { step: "resume", state: "active", audit: "webhook.resumed", summary: "Go on where it was paused" },
  ];
  for (const { step, state, audit, summary } of steps) {
    app.post(
      `/v1/webhooks/:id/${step}`,
      {
        config: { access: { roles: ["operator"], audit } },
        preValidation: allowEmptyBody,
        schema: {
          operationId: `${step}Webhook`,
          summary,
          tags,
          params: Params,
          body: Empty,
          response: { 200: WebhookView, ...problemResponses(404, 409, 422) },
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        return change(deployment, { exchange: { request, reply }, id }, async (context) =>
          setWebhookState(context, id, state),
        );
      },
    );
  }
  removeRoute(app, deployment);
}

function removeRoute(app: App, deployment: Deployment): void {
  app.post(
    "/v1/webhooks/:id/remove",
    {
      config: { access: { roles: ["operator"], audit: "webhook.removed" } },
      preValidation: allowEmptyBody,
      schema: {
        operationId: "removeWebhook",
        summary: "Remove a webhook; what was not delivered is not sent any more",
        tags,
        params: Params,
        body: Empty,
        response: { 200: Type.Object({ id: Type.String() }), ...problemResponses(404, 422) },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      await createIdempotently(deployment, { request, reply }, async (context) => {
        await setWebhookState(context, id, "removed");
        return { status: 200, body: { id } };
      });
      return { id };
    },
  );
}

/** Not idempotent by key: an answer that is kept for replays would keep the secret. */
function secretRoutes(app: App, deployment: Deployment): void {
  const { webhooks } = deployment;
  for (const { step, rotate, audit, summary } of [
    { step: "secret", rotate: false, audit: "webhook.secret_shown", summary: "The signing key, for the receiver" },
    { step: "rotate", rotate: true, audit: "webhook.secret_rotated", summary: "A new signing key, used at once" },
  ]) {
    app.post(
      `/v1/webhooks/:id/${step}`,
      {
        config: { access: { roles: ["operator"], audit } },
        preValidation: allowEmptyBody,
        schema: {
          operationId: `${step}Webhook`,
          summary,
          tags,
          params: Params,
          body: Empty,
          response: { 200: WebhookSecret, ...problemResponses(404) },
        },
      },
      async (request) => {
        const { id } = request.params;
        return withAudit(deployment.db, auditorOf(request, deployment), async (context) =>
          rotateSecret(context, { id, rotate, secrets: webhooks.secrets }),
        );
      },
    );
  }
}

function redeliverRoute(app: App, deployment: Deployment): void {
  app.post(
    "/v1/webhooks/:id/deliveries/:entry/redeliver",
    {
      config: { access: { roles: ["operator"], audit: "webhook.redelivery_requested" } },
      preValidation: allowEmptyBody,
      schema: {
        operationId: "redeliver",
        summary: "Send what was given up again",
        tags,
        params: DeliveryParams,
        body: Empty,
        response: { 200: WebhookView, ...problemResponses(404, 409, 422) },
      },
    },
    async (request, reply) => {
      const { id, entry } = request.params;
      return change(deployment, { exchange: { request, reply }, id }, async (context) => redeliver(context, id, entry));
    },
  );
}
