/**
 * Webhooks: neighbouring systems that are told of changes. The audit log is the outbox: an entry is written in the
 * transaction of its change, entries are numbered in the order of the commits, and each webhook has a place in them. A
 * delivery is repeated until it is taken or given up, in order, under one identifier.
 *
 * It must never send a value of the data, nor anything to an address that nobody allowed.
 */
export { checkEndpoint, type EndpointRules } from "./endpoint.ts";
export { putWebhook, setWebhookState, rotateSecret } from "./declare.ts";
export { deliverDue, findDueWebhooks, redeliver } from "./deliver.ts";
export { listDeliveries, listWebhooks, getWebhook, purgeDeliveries } from "./read.ts";
export { openSecrets, type WebhookSecrets } from "./secret.ts";
export { createSender, type Sender } from "./send.ts";
