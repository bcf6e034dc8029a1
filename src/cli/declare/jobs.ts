import type { Command } from "commander";
import type { Bind } from "../program.ts";
import { limitOption, oneOf, repeated, wholeNumber } from "./option.ts";

export function declareJobCommands(program: Command, bind: Bind): void {
  const submit = program
    .command("submit")
    .description("submit a job")
    .requiredOption("--scenario <scenario>", "scenario under which it runs")
    .option("--sql <file>", "file with one SQL query; - is standard input")
    .option("--script <file>", "file with a JavaScript job; - is standard input")
    .addOption(repeated("--param <name=value>", "a parameter: $name in SQL, parameters.name in a script"))
    .option("--title <text>", "a title for people")
    .addOption(oneOf("--class <class>", "how it is scheduled", ["interactive", "batch"]))
    .option("--validate", "judge the query without running it")
    .option("--wait", "wait for the end and print what was released")
    .option("--timeout <seconds>", "longest time to wait", wholeNumber(1), 3600)
    .option("--output <name>", "which output to print when there are several")
    .addOption(oneOf("--format <format>", "how to print what was released", ["table", "json", "csv"]).default("table"));
  bind(submit, async () => (await import("../commands/submit.ts")).submitCommand);

  const jobs = program.command("jobs").description("jobs");
  const list = jobs
    .command("list")
    .description("jobs, newest first")
    .option("--scenario <scenario>", "of one scenario")
    .option("--state <state>", "in one state")
    .addOption(limitOption());
  bind(list, async () => (await import("../commands/jobs.ts")).listJobs);
  const show = jobs.command("show <job>").description("state, findings and outputs of one job");
  bind(show, async () => (await import("../commands/jobs.ts")).showJob);
  const log = jobs.command("log <job>").description("what its script wrote, when its label is safe");
  bind(log, async () => (await import("../commands/jobs.ts")).showLog);
  const cancel = jobs.command("cancel <job>").description("cancel a job");
  bind(cancel, async () => (await import("../commands/jobs.ts")).cancelJob);
  const events = jobs.command("events <job>").description("follow a job's states until it ends");
  bind(events, async () => (await import("../commands/jobs.ts")).followJob);
}
