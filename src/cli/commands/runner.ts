import type { CommandBody } from "../terminal.ts";
import { interrupted } from "./serve.ts";

export interface RunnerOptions {
  controlPlane?: string;
  data?: string;
  name?: string;
  development?: boolean;
  insecureHttp?: boolean;
}

/** Runs until the process is told to stop. Standard output holds the log. */
export const runnerCommand: CommandBody<RunnerOptions> = async ({ terminal, options }) => {
  const { readNodeConfig } = await import("#config/index.ts");
  const { data: dataDirectory, ...flags } = options;
  const config = readNodeConfig(terminal.env, { ...flags, dataDirectory });
  const node = await terminal.host.startNode(config);
  return {
    status: 0,
    json: () => ({ name: node.name, controlPlane: config.controlPlane }),
    text: () => "",
    notes: `runner node ${node.name} serves ${config.controlPlane}`,
    after: async () => {
      await interrupted(terminal);
      await node.close();
    },
  };
};
