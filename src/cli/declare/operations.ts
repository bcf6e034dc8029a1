import type { Command } from "commander";
import type { Bind } from "../program.ts";
import { limitOption, oneOf, repeated } from "./option.ts";

export function declareOperationCommands(program: Command, bind: Bind): void {
  declareWebhooks(program.command("webhooks").description("neighbouring systems that are told of changes"), bind);
  declareBackups(program, bind);
  const chores = program.command("chores").description("background chores: when they ran, and what failed");
  bind(chores, async () => (await import("../commands/webhooks.ts")).listChores);
}

function declareBackups(program: Command, bind: Bind): void {
  const backup = program
    .command("backup")
    .description("copy the whole state: of PostgreSQL at any time, of an embedded database while no server runs on it")
    .option("--to <directory>", "where the backup is written; must not be there yet")
    .option("--online <name>", "let the running server write it, below its SLUICE_BACKUP_DIRECTORY")
    .option("--keys-to <directory>", "write the keys too, into a place of their own")
    .option("--without-products", "without product versions, which must then be ingested again")
    .option("--data <directory>", "data directory of the deployment (SLUICE_DATA)");
  bind(backup, async () => (await import("../commands/backup.ts")).backupCommand);
  const restore = program
    .command("restore")
    .description("make a deployment of a backup, in a new data directory and an empty database")
    .requiredOption("--from <directory>", "the backup")
    .option("--keys-from <directory>", "the keys that belong to it, when its data directory had any")
    .requiredOption("--data <directory>", "data directory to make")
    .option("--postgres", "into the empty database of SLUICE_DATABASE_URL instead of an embedded one")
    .option("--storage", "objects and products to SLUICE_STORAGE, under a prefix of their own");
  bind(restore, async () => (await import("../commands/backup.ts")).restoreCommand);
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
