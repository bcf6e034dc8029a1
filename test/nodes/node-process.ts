/** `sluice runner` in a process of its own, as an operator starts it. */
import { type ChildProcess, spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const ROOT = resolve(import.meta.dirname, "../..");

export interface NodeProcess {
  child: ChildProcess;
  log: string[];
}

export interface NodeOptions {
  controlPlane: string;
  directory: string;
  env?: Record<string, string>;
  /** A command that runs it elsewhere. */
  within?: readonly string[];
}

/** Resolves when it serves; rejects with what it said when it ends before. */
export async function startNodeProcess(options: NodeOptions): Promise<NodeProcess> {
  const { controlPlane, directory, env = {}, within = [] } = options;
  const flags = ["runner", "--development", "--control-plane", controlPlane, "--data", directory];
  const program = [process.execPath, "--no-node-snapshot", join(ROOT, "src/bin/sluice.ts"), ...flags];
  const [command, ...words] = [...within, ...program];
  const child = spawn(command!, words, {
    env: { PATH: process.env["PATH"], HOME: directory, SLUICE_RUNNER_JOBS: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log: string[] = [];
  const { promise, resolve: serves, reject } = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      log.push(line);
      if (/^runner node \S+ serves /.test(line)) serves();
    });
  }
  child.once("exit", () => reject(new Error(`the node did not start: ${log.join("\n")}`)));
  await promise;
  return { child, log };
}
