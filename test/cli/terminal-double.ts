import { Readable, Writable } from "node:stream";
import { runCli, type Host, type Terminal } from "#cli/index.ts";

export interface Run {
  status: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  stdin?: string;
  directory?: string;
  home?: string;
  showsProgress?: boolean;
}

/** Runs one command line in this process with a terminal of its own. */
export async function run(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const stdout = new Sink();
  const stderr = new Sink();
  const terminal: Terminal = {
    stdin: Readable.from([options.stdin ?? ""]),
    stdout,
    stderr,
    env: options.env ?? {},
    directory: options.directory ?? "/nonexistent",
    home: options.home ?? "/nonexistent",
    showsProgress: options.showsProgress ?? false,
    signal: new AbortController().signal,
    host: HOST,
  };
  const status = await runCli(args, terminal);
  return { status, stdout: stdout.text(), stderr: stderr.text() };
}

class Sink extends Writable {
  readonly #pieces: Buffer[] = [];

  override _write(piece: Buffer, _encoding: string, done: () => void): void {
    this.#pieces.push(piece);
    done();
  }

  text(): string {
    return Buffer.concat(this.#pieces).toString("utf8");
  }
}

/** Tests of the command line start no server in this process. */
const HOST: Host = {
  startServer: async () => Promise.reject(new Error("there is no server here")),
  startNode: async () => Promise.reject(new Error("there is no node here")),
  runDoctor: async () => Promise.reject(new Error("there is no doctor here")),
  runBackup: async () => Promise.reject(new Error("there is no backup here")),
  runRestore: async () => Promise.reject(new Error("there is no restore here")),
};
