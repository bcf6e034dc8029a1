import { Command } from "commander";
import packageFile from "../../package.json" with { type: "json" };
import { declareAccessCommands } from "./declare/access.ts";
import { declareAuditCommands } from "./declare/audit.ts";
import { declareEgressCommands } from "./declare/egress.ts";
import { declareJobCommands } from "./declare/jobs.ts";
import { declarePolicyCommands } from "./declare/policy.ts";
import { declareRunnerCommands } from "./declare/runners.ts";
import { declareRunnerNodeCommands } from "./declare/runner-nodes.ts";
import { declareOperationCommands } from "./declare/operations.ts";
import { declareSecurityCommands } from "./declare/security.ts";
import { declareServerCommands } from "./declare/server.ts";
import { declareSpaceCommands } from "./declare/space.ts";
import type { CommandBody, Outcome, Terminal } from "./terminal.ts";

/** A command that was chosen, ready to run. */
export interface Task {
  json: boolean;
  run: () => Promise<Outcome>;
}

/**
 * Binds a declared command to its body, which is loaded when the command runs: `sluice --help` should not wait for
 * a database. Adds `--json`.
 */
export type Bind = <Options>(command: Command, load: () => Promise<CommandBody<Options>>) => void;

export function buildProgram(terminal: Terminal, choose: (task: Task) => void): Command {
  const { version } = packageFile;
  const program = new Command("sluice")
    .description("Trusted data-space sandbox runtime: jobs come to public data, and only reviewed releases leave.")
    .version(version, "--version", "print the version")
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
      outputError: (text, writeText) => writeText(text.replace(/^error: /, "sluice: usage: ")),
    })
    .addHelpText("after", EPILOGUE);
  const bind = binder(terminal, choose);
  declareServerCommands(program, bind);
  declareAccessCommands(program, bind);
  declareSpaceCommands(program, bind);
  declareJobCommands(program, bind);
  declareEgressCommands(program, bind);
  declarePolicyCommands(program, bind);
  declareRunnerCommands(program, bind);
  declareRunnerNodeCommands(program, bind);
  declareSecurityCommands(program, bind);
  declareAuditCommands(program, bind);
  declareOperationCommands(program, bind);
  return program;
}

const EPILOGUE = `
Server and token come from SLUICE_URL and SLUICE_TOKEN, or from the profile that sluice login keeps.
Exit status: 0 done, 1 refused or failed, 2 wrong usage.`;

function binder(terminal: Terminal, choose: (task: Task) => void): Bind {
  return <Options>(command: Command, load: () => Promise<CommandBody<Options>>) => {
    // A server's standard output is its log.
    if (command.name() !== "serve" && command.name() !== "runner")
      command.option("--json", "print one JSON document on stdout and nothing else");
    command.action(() => {
      // The declaration beside the body's option type is what makes this cast hold.
      const options = command.opts<Options & { json?: boolean }>();
      choose({
        json: options.json === true,
        run: async () => (await load())({ terminal, options, args: command.args }),
      });
    });
  };
}
