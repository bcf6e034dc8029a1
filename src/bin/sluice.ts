#!/usr/bin/env node
import { mkdirSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

// The only reader of argv, environment and signals. Compiled code is kept in the user's own cache directory: the
// default place, under the shared temporary directory, could be filled by somebody else.
keepCompiledCode();
const { runCli } = await import("#cli/index.ts");

const interruption = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(name, () => {
    // Asked twice means at once.
    if (interruption.signal.aborted) process.exit(130);
    interruption.abort();
  });
}
// A reader that has seen enough (`| head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

process.exitCode = await runCli(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  directory: process.cwd(),
  home: homedir(),
  showsProgress: process.stderr.isTTY,
  signal: interruption.signal,
  // Loaded when they are called: a command that asks a server needs none of it.
  host: {
    startServer: async (config) => (await import("./serve.ts")).startServer(config),
    startNode: async (config) => (await import("./node.ts")).startNode(config),
    runBackup: async (config, order) => (await import("./backup.ts")).runBackup(config, order),
    runRestore: async (order, storage) => (await import("./backup.ts")).runRestore(order, storage),
    runDoctor: async (config) => (await import("./doctor.ts")).runDoctor(config),
  },
});

function keepCompiledCode(): void {
  const directory = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "sluice", "compiled");
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    enableCompileCache(directory);
  } catch {
    // A home that cannot be written to costs some milliseconds at each start, nothing else.
  }
}
