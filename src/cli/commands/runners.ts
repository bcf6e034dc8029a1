import type { Client } from "#client/index.ts";
import type { RunnerView } from "#contract/runner.ts";
import { connect } from "../connect.ts";
import { listOutcome, objectOutcome } from "../list.ts";
import type { CommandBody } from "../terminal.ts";

export const listRunners: CommandBody<object> = async ({ terminal }) => {
  const client = await connect(terminal);
  return listOutcome(await client.runners.list(), {
    runner: ({ name }) => name,
    state: stateOf,
    jobs: ({ running, places }) => `${running}/${places}`,
    memory: ({ memoryBytes }) => (memoryBytes === undefined ? "" : `${(memoryBytes / 2 ** 30).toFixed(1)} GiB`),
    confinement: ({ confinement }) => confinement ?? "",
    warm: ({ warm }) => warm.length,
    "last seen": ({ lastSeenAt }) => lastSeenAt,
  });
};

type Step = Exclude<keyof Client["runners"], "list">;

function stepCommand(step: Step): CommandBody<{ reason?: string }> {
  return async ({ terminal, args: [name = ""], options }) => {
    const client = await connect(terminal);
    const runner = await client.runners[step](name, options.reason);
    return objectOutcome(runner, `${runner.name} is ${stateOf(runner)}, ${runner.running} jobs under way`);
  };
}

function stateOf({ state, running }: RunnerView): string {
  return state === "draining" && running === 0 ? "drained" : state;
}

export const pauseRunner = stepCommand("pause");
export const drainRunner = stepCommand("drain");
export const resumeRunner = stepCommand("resume");
