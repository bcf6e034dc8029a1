import type { DeliveryState, WebhookEvent, WebhookView } from "#contract/webhook.ts";
import { usageError } from "../cli-error.ts";
import { connect } from "../connect.ts";
import { listOutcome, objectOutcome, takeItems } from "../list.ts";
import { formatFields } from "../print/table.ts";
import type { CommandBody, Outcome } from "../terminal.ts";

export const listWebhooks: CommandBody<object> = async ({ terminal }) => {
  const client = await connect(terminal);
  return listOutcome(await client.operations.list(), {
    webhook: ({ id }) => id,
    state: ({ state }) => state,
    url: ({ url }) => url,
    behind: ({ head, position }) => head - position,
    dead: ({ dead }) => dead,
    error: ({ lastError }) => lastError ?? "",
    next: ({ nextAttemptAt }) => nextAttemptAt ?? "",
  });
};

export const putWebhook: CommandBody<{ url: string; event: string[] }> = async ({ terminal, options, args }) => {
  const client = await connect(terminal);
  // the server knows the list of events and says what is not in it
  const events = options.event as WebhookEvent[];
  return webhookOutcome(await client.operations.put({ id: args[0] ?? "", url: options.url, events }));
};

export function moveWebhook(step: "pause" | "resume" | "remove"): CommandBody<object> {
  return async ({ terminal, args: [id = ""] }) => {
    const client = await connect(terminal);
    if (step !== "remove") return webhookOutcome(await client.operations[step](id));
    await client.operations.remove(id);
    return objectOutcome({ id, state: "removed" }, `${id} is removed`);
  };
}

/** Only the key, so that it can be piped to where it belongs. */
export const showSecret: CommandBody<{ rotate?: boolean }> = async ({ terminal, options, args: [id = ""] }) => {
  const client = await connect(terminal);
  const secret = await client.operations.secret(id, options.rotate === true);
  return objectOutcome(secret, secret.secret);
};

export const listDeliveries: CommandBody<{ state?: DeliveryState; limit: number }> = async ({
  terminal,
  options,
  args: [id = ""],
}) => {
  const client = await connect(terminal);
  const { state, limit } = options;
  return listOutcome(await takeItems(client.operations.deliveries(id, { state }), limit), {
    entry: ({ entry }) => entry,
    event: ({ event }) => event,
    state: (delivery) => delivery.state,
    attempts: ({ attempts }) => attempts,
    error: ({ lastError }) => lastError ?? "",
    next: ({ nextAttemptAt }) => nextAttemptAt ?? "",
    updated: ({ updatedAt }) => updatedAt,
  });
};

export const redeliver: CommandBody<object> = async ({ terminal, args: [id = "", entry = ""] }) => {
  if (!/^\d+$/.test(entry)) throw usageError("the delivery is named by the number of its audit entry");
  const client = await connect(terminal);
  return webhookOutcome(await client.operations.redeliver(id, Number(entry)));
};

export const listChores: CommandBody<object> = async ({ terminal }) => {
  const client = await connect(terminal);
  return listOutcome(await client.operations.chores(), {
    chore: ({ name }) => name,
    due: ({ dueAt }) => dueAt,
    running: ({ running }) => (running ? "yes" : ""),
    succeeded: ({ succeededAt }) => succeededAt ?? "",
    failures: ({ failures }) => failures,
    error: ({ lastError }) => lastError ?? "",
  });
};

function webhookOutcome(webhook: WebhookView): Outcome {
  return objectOutcome(
    webhook,
    formatFields([
      ["webhook", webhook.id],
      ["url", webhook.url],
      ["events", webhook.events.join(", ")],
      ["state", webhook.state],
      ["behind", String(webhook.head - webhook.position)],
      ["dead", String(webhook.dead)],
      ["error", webhook.lastError],
    ]),
  );
}
