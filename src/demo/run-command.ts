import { Readable, Writable } from "node:stream";
import { runCli, type Host } from "#cli/index.ts";

export interface CommandRun {
  status: number;
  stdout: string;
  stderr: string;
}

/** Runs a `sluice` command in this process and catches what it prints. */
export async function runCommand(args: readonly string[], env: Record<string, string>): Promise<CommandRun> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  const status = await runCli(args, {
    stdin: Readable.from([]),
    stdout: collector(stdout),
    stderr: collector(stderr),
    env,
    directory: "/",
    home: "/nonexistent",
    showsProgress: false,
    signal: new AbortController().signal,
    host: HOST,
  });
  return { status, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
}

function collector(pieces: Buffer[]): Writable {
  return new Writable({
    write(piece: Buffer, _encoding, done) {
      pieces.push(piece);
      done();
    },
  });
}

/** The demonstration starts its server as a process of its own. */
const HOST: Host = {
  startServer: async () => Promise.reject(new Error("there is no server here")),
  startNode: async () => Promise.reject(new Error("there is no node here")),
  runDoctor: async () => Promise.reject(new Error("there is no doctor here")),
  runBackup: async () => Promise.reject(new Error("there is no backup here")),
  runRestore: async () => Promise.reject(new Error("there is no restore here")),
};
