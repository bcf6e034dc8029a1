import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ISOLATE_PROGRAM, prepareProgram } from "./program.ts";

/** How confined processes are confined on this machine. `process` is a plain child process: development only. */
export type Confinement = "process";

export interface LaunchOptions {
  role: "engine" | "isolate" | "ingest";
  /** Directories of the data products that the process may read. Nothing else of the data is visible to it. */
  readOnly: readonly string[];
  memoryBytes: number;
  /** Role `isolate` only: with just-in-time compilation. */
  jit?: boolean;
  confinement: Confinement;
}

const ENTRY: Readonly<Record<LaunchOptions["role"], () => string>> = {
  engine: () => fileURLToPath(import.meta.resolve("#bin/engine.ts")),
  isolate: () => (isolateEntry ??= prepareProgram(ISOLATE_PROGRAM).entry),
  ingest: () => fileURLToPath(import.meta.resolve("#bin/ingest.ts")),
};
let isolateEntry: string | undefined;

/**
 * JavaScript of developers runs without just-in-time compilation: it is less to attack, and with it a one-line
 * loop escapes the isolate's memory limit.
 */
const NODE_FLAGS: Readonly<Record<LaunchOptions["role"], readonly string[]>> = {
  engine: ["--no-node-snapshot", "--disable-warning=ExperimentalWarning"],
  isolate: ["--jitless", "--no-node-snapshot", "--disable-warning=ExperimentalWarning"],
  ingest: ["--no-node-snapshot", "--disable-warning=ExperimentalWarning"],
};

/**
 * Starts a process that runs untrusted SQL or JavaScript: frames in on descriptor 3, out on 4. The one place that
 * knows how a process is confined.
 *
 * INVARIANT: the environment is empty, so that no setting or secret of ours can be read inside.
 */
export function launch(options: LaunchOptions): ChildProcess {
  const flags = NODE_FLAGS[options.role].filter((flag) => flag !== "--jitless" || options.jit !== true);
  const args = [...flags, ENTRY[options.role]()];
  return spawn(process.execPath, args, {
    env: {},
    cwd: "/",
    detached: true,
    stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"],
  });
}
