import type { Command } from "commander";
import type { Bind } from "../program.ts";

export function declareRunnerCommands(program: Command, bind: Bind): void {
  const runners = program.command("runners").description("machines that run jobs");
  const list = runners.command("list").description("runners, what they have, and whether they take work");
  bind(list, async () => (await import("../commands/runners.ts")).listRunners);
  const pause = runners
    .command("pause <runner>")
    .description("give a runner no new work; what it has goes on")
    .option("--reason <text>", "why");
  bind(pause, async () => (await import("../commands/runners.ts")).pauseRunner);
  const drain = runners
    .command("drain <runner>")
    .description("the same, because it is to go: stop it when it is drained")
    .option("--reason <text>", "why");
  bind(drain, async () => (await import("../commands/runners.ts")).drainRunner);
  const resume = runners
    .command("resume <runner>")
    .description("give a runner work again")
    .option("--reason <text>", "why");
  bind(resume, async () => (await import("../commands/runners.ts")).resumeRunner);
}
