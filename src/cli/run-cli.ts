import { CommanderError } from "commander";
import { reportOf, CliError, type ErrorReport, type ExitStatus } from "./cli-error.ts";
import { printable } from "./print/printable.ts";
import { buildProgram, type Task } from "./program.ts";
import { clearProgress, write, type Outcome, type Terminal } from "./terminal.ts";

/**
 * Runs one command line (without `node` and the script's name) and returns its exit status. Prints the result on
 * stdout and everything else on stderr; with `--json` exactly one document on stdout, also when the command failed.
 */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<ExitStatus> {
  let task: Task | undefined;
  const program = buildProgram(terminal, (chosen) => {
    task = chosen;
  });
  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
  // Every declared command sets a task; without one commander has shown a help text.
  return task ? runTask(task, terminal) : 0;
}

async function runTask(task: Task, terminal: Terminal): Promise<ExitStatus> {
  try {
    const outcome = await task.run();
    clearProgress(terminal);
    await printOutcome(outcome, task.json, terminal);
    await outcome.after?.();
    return outcome.status;
  } catch (error) {
    clearProgress(terminal);
    const report = reportOf(error);
    const status = error instanceof CliError ? error.status : 1;
    if (task.json && status === 1) await printJson(terminal, { error: report });
    terminal.stderr.write(`${errorLine(report)}\n`);
    if (terminal.env["SLUICE_DEBUG"] && error instanceof Error) terminal.stderr.write(`${error.stack}\n`);
    return status;
  }
}

async function printOutcome(outcome: Outcome, json: boolean, terminal: Terminal): Promise<void> {
  if (json) return printJson(terminal, await outcome.json());
  const text = outcome.text();
  if (typeof text === "string") {
    if (text !== "") await write(terminal.stdout, text.endsWith("\n") ? text : `${text}\n`);
  } else {
    for await (const piece of text) await write(terminal.stdout, piece);
  }
  if (outcome.notes) terminal.stderr.write(`${outcome.notes}\n`);
}

async function printJson(terminal: Terminal, document: unknown): Promise<void> {
  await write(terminal.stdout, `${JSON.stringify(document, null, 2)}\n`);
}

/** One line; a message that lists several problems keeps its lines. */
function errorLine({ code, message }: ErrorReport): string {
  return `sluice: ${printable(code)}: ${message.split("\n").map(printable).join("\n")}`;
}
