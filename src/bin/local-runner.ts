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

/**
 * Keeps one runner process alive: one that dies is started again, and its leases run out meanwhile. `onStart` is called
 * at each start.
 */
export function startLocalRunner(settings: Record<string, unknown>, log: Logger, onStart: () => void): LocalRunner {
  let child: ChildProcess | undefined;
  let ended = Promise.resolve();
  let stopping = false;
  const start = () => {
    child = spawn(process.execPath, ["--no-node-snapshot", "--disable-warning=ExperimentalWarning", ENTRY], {
      env: {},
      stdio: ["ignore", "inherit", "inherit", "pipe"],
    });
    (child.stdio[3] as Writable).on("error", () => undefined).write(`${JSON.stringify(settings)}\n`);
    onStart();
    ended = new Promise((resolve) => child?.once("exit", () => resolve()));
    child.once("exit", (code, signal) => {
      if (stopping) return;
      log.error({ code, signal }, "the runner ended; it is started again");
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
