import type { Command } from "commander";
import type { Bind } from "../program.ts";

export function declareRunnerNodeCommands(program: Command, bind: Bind): void {
  const runners =
    program.commands.find((command) => command.name() === "runners") ??
    program.command("runners").description("machines that run jobs");
  const nodes = runners.command("nodes").description("runner nodes: who is invited, enrolled, revoked");
  bind(nodes, async () => (await import("../commands/runner-nodes.ts")).listNodes);
  const enrol = runners
    .command("enrol <name>")
    .description("invite a runner node; prints the one-time token with which it enrols within the hour");
  bind(enrol, async () => (await import("../commands/runner-nodes.ts")).enrolNode);
  const revoke = runners
    .command("revoke <name>")
    .description("revoke a runner node at once: it is refused, its jobs go to others")
    .requiredOption("--reason <text>", "why");
  bind(revoke, async () => (await import("../commands/runner-nodes.ts")).revokeNode);
}
