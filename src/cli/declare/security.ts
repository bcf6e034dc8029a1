import { type Command, Option } from "commander";
import type { Bind } from "../program.ts";
import { limitOption, oneOf, repeated } from "./option.ts";

export function declareSecurityCommands(program: Command, bind: Bind): void {
  const security = program.command("security").description("the security log, alarms and suspensions");
  const events = withFilter(security.command("events").description("events of the sandboxes, newest first"))
    .option("--follow", "show what comes, until interrupted")
    .addOption(limitOption());
  bind(events, async () => (await import("../commands/security-events.ts")).showEvents);
  const exporting = withFilter(
    security.command("export").description("write all events, oldest first, one a line; the export is recorded"),
  ).option("-o, --out <file>", "file to write; standard output otherwise");
  bind(exporting, async () => (await import("../commands/security-events.ts")).exportEvents);
  declareAlarms(security, bind);
  declareSuspensions(security, bind);
}

function withFilter(command: Command): Command {
  return command
    .option("--job <job>", "of one job")
    .option("--organisation <organisation>", "of one organisation")
    .option("--scenario <scenario>", "of one scenario")
    .addOption(repeated("--kind <kind>", "of a kind, e.g. statement.refused (again for more)"))
    .addOption(oneOf("--severity <severity>", "this severe and above", ["info", "notice", "warning", "alarm"]))
    .option("--since <time>", "from this instant on, e.g. 2026-11-23T08:00:00Z")
    .option("--until <time>", "before this instant")
    .option("--text <text>", "whose text holds this, in any case");
}

function declareAlarms(security: Command, bind: Bind): void {
  const alarms = security
    .command("alarms")
    .description("alarms that nobody acknowledged")
    .option("--acknowledged", "those that were acknowledged instead")
    .addOption(limitOption());
  bind(alarms, async () => (await import("../commands/security-actions.ts")).listAlarms);
  const acknowledge = security
    .command("acknowledge <alarm>")
    .description("acknowledge an alarm; its rule counts anew")
    .requiredOption("--comment <text>", "what was found");
  bind(acknowledge, async () => (await import("../commands/security-actions.ts")).acknowledgeAlarm);
}

function declareSuspensions(security: Command, bind: Bind): void {
  const suspensions = security.command("suspensions").description("suspensions, newest first").addOption(limitOption());
  bind(suspensions, async () => (await import("../commands/security-actions.ts")).listSuspensions);
  const suspend = security
    .command("suspend")
    .description("stop a scenario or an organisation at once: its jobs are cancelled, nothing more leaves")
    .addOption(new Option("--scenario <scenario>", "a scenario").conflicts("organisation"))
    .option("--organisation <organisation>", "all scenarios of a developer organisation")
    .requiredOption("--reason <text>", "why")
    .option("--until <time>", "until this instant, e.g. 2026-12-01T00:00:00Z; until it is lifted otherwise");
  bind(suspend, async () => (await import("../commands/security-actions.ts")).suspend);
  const lift = security
    .command("lift <suspension>")
    .description("lift a suspension")
    .requiredOption("--reason <text>", "why");
  bind(lift, async () => (await import("../commands/security-actions.ts")).lift);
}
