import type { Command } from "commander";
import type { Bind } from "../program.ts";
import { limitOption, oneOf, repeated } from "./option.ts";

export function declareOperationCommands(program: Command, bind: Bind): void {
  declareWebhooks(program.command("webhooks").description("neighbouring systems that are told of changes"), bind);
  const chores = program.command("chores").description("background chores: when they ran, and what failed");
  bind(chores, async () => (await import("../commands/webhooks.ts")).listChores);
}

const EVENTS = "job.ended, egress.decided, release.made, release.ended, filing.submitted, filing.decided, alarm.raised";

function declareWebhooks(webhooks: Command, bind: Bind): void {
  const list = webhooks.command("list").description("webhooks, and how far each is behind");
  bind(list, async () => (await import("../commands/webhooks.ts")).listWebhooks);
  const put = webhooks
    .command("put <webhook>")
    .description("declare a webhook, or change one")
    .requiredOption("--url <url>", "https address on a host that SLUICE_WEBHOOK_HOSTS names")
    .addOption(repeated("--event <event>", `what it is told of (again for more): ${EVENTS}`).makeOptionMandatory());
  bind(put, async () => (await import("../commands/webhooks.ts")).putWebhook);
  const secret = webhooks
    .command("secret <webhook>")
    .description("print the key that its receiver checks signatures with")
    .option("--rotate", "make a new one, used from now on");
  bind(secret, async () => (await import("../commands/webhooks.ts")).showSecret);
  for (const [step, description] of [
    ["pause", "send nothing until it is resumed"],
    ["resume", "go on where it was paused"],
    ["remove", "remove it; what was not delivered is not sent any more"],
  ] as const) {
    const command = webhooks.command(`${step} <webhook>`).description(description);
    bind(command, async () => (await import("../commands/webhooks.ts")).moveWebhook(step));
  }
  const deliveries = webhooks
    .command("deliveries <webhook>")
    .description("deliveries that did not succeed at once, newest first")
    .addOption(oneOf("--state <state>", "only of this state", ["waiting", "delivered", "dead"]))
    .addOption(limitOption());
  bind(deliveries, async () => (await import("../commands/webhooks.ts")).listDeliveries);
  const redeliver = webhooks.command("redeliver <webhook> <entry>").description("send what was given up again");
  bind(redeliver, async () => (await import("../commands/webhooks.ts")).redeliver);
}
