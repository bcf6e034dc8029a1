import { type ChildProcess, spawn } from "node:child_process";
import type { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Logger } from "pino";

const ENTRY = fileURLToPath(import.meta.resolve("#bin/runner.ts"));
const RESTART_MS = 1_000;
const GRACE_MS = 10_000;

export interface LocalRunner {
  /** Lets it finish what it has, at most the grace time, then ends it. */
  stop(): Promise<void>;
  readonly pid: number | undefined;
}

/** What is done at each start of the process, and when it has ended although nobody stopped it. */
export interface RunnerWatch {
  onStart(): void;
  onLost(): Promise<void>;
}

/** Keeps one runner process alive: one that dies is started again. */
export function startLocalRunner(settings: Record<string, unknown>, log: Logger, watch: RunnerWatch): LocalRunner {
  let child: ChildProcess | undefined;
  let ended = Promise.resolve();
  let stopping = false;
  const start = () => {
    child = spawn(process.execPath, ["--no-node-snapshot", "--disable-warning=ExperimentalWarning", ENTRY], {
      env: {},
      stdio: ["ignore", "inherit", "inherit", "pipe"],
    });
    (child.stdio[3] as Writable).on("error", () => undefined).write(`${JSON.stringify(settings)}\n`);
    watch.onStart();
    ended = new Promise((resolve) => child?.once("exit", () => resolve()));
    child.once("exit", (code, signal) => {
      if (stopping) return;
      log.error({ code, signal }, "the runner ended; it is started again");
      watch
        .onLost()
        .catch((error: unknown) => log.error({ err: error }, "the leases of the runner were not given back"));
      setTimeout(() => stopping || start(), RESTART_MS);
    });
  };
  start();
  return {
    get pid() {
      return child?.pid;
    },
    stop: async () => {
      stopping = true;
      child?.kill("SIGTERM");
      const timer = setTimeout(() => child?.kill("SIGKILL"), GRACE_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}
