/** `sluice serve` in a process of its own, as a user starts it. */
import { type ChildProcess, spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const ROOT = resolve(import.meta.dirname, "../..");

export interface ServeProcess {
  child: ChildProcess;
  /** Where it listens. */
  url: string;
}

export interface ServeOptions {
  /** Its home; holds `data` and `sources`. */
  directory: string;
  env?: Record<string, string>;
  /** Takes every line of both of its outputs, from the first to the last. */
  log: string[];
}

export async function startServeProcess({ directory, env = {}, log }: ServeOptions): Promise<ServeProcess> {
  const places = ["--data", join(directory, "data"), "--source-root", join(directory, "sources")];
  const flags = ["serve", "--development", "--port", "0", ...places];
  const child = spawn(process.execPath, ["--no-node-snapshot", join(ROOT, "src/bin/sluice.ts"), ...flags], {
    env: { PATH: process.env["PATH"], HOME: directory, SLUICE_LOG_LEVEL: "trace", SLUICE_RATE_LIMIT: "10000", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  createInterface({ input: child.stdout }).on("line", (line) => log.push(line));
  const { promise, resolve: listens, reject } = Promise.withResolvers<string>();
  createInterface({ input: child.stderr }).on("line", (line) => {
    log.push(line);
    const url = /listens on (\S+)/.exec(line)?.[1];
    if (url !== undefined) listens(url);
  });
  child.once("exit", () => reject(new Error(`the server did not start: ${log.join("\n")}`)));
  return { child, url: await promise };
}
