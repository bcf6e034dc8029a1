import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const ENTRY = fileURLToPath(import.meta.resolve("#bin/sluice.ts"));
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 10_000;

export interface ServerSettings {
  /** State of the server. */
  dataDirectory: string;
  sourceRoot: string;
  /** Takes the server's log. */
  logFile: string;
}

/** A development server in a process of its own, on a free loopback port; disposing stops it. */
export class ServerProcess implements AsyncDisposable {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #log: WriteStream;

  private constructor(url: string, child: ChildProcess, log: WriteStream) {
    this.url = url;
    this.#child = child;
    this.#log = log;
  }

  static async start(settings: ServerSettings): Promise<ServerProcess> {
    const log = createWriteStream(settings.logFile);
    const { dataDirectory, sourceRoot } = settings;
    const flags = ["--development", "--port", "0", "--data", dataDirectory, "--source-root", sourceRoot];
    // A process group of its own: Ctrl-C reaches the demonstration, which then stops the server in order.
    const child = spawn(process.execPath, [...process.execArgv, ENTRY, "serve", ...flags], {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    child.stdout?.pipe(log);
    try {
      return new ServerProcess(await addressOf(child), child, log);
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = this.#child.exitCode === null && this.#child.signalCode === null;
    if (running) {
      const ended = once(this.#child, "exit");
      this.#child.kill("SIGTERM");
      const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_LIMIT_MS);
      await ended;
      clearTimeout(timer);
    }
    this.#log.end();
  }
}

/** The server says on stderr where it listens; whatever else it says there is why it did not start. */
async function addressOf(child: ChildProcess): Promise<string> {
  const said: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const timer = setTimeout(() => reject(failure("did not start in time", said)), START_LIMIT_MS);
  child.once("exit", () => reject(failure("ended before it listened", said)));
  if (!child.stderr) throw new Error("the server has no stderr");
  createInterface({ input: child.stderr }).on("line", (line) => {
    said.push(line);
    const [, url] = /^sluice listens on (\S+)$/.exec(line) ?? [];
    if (url !== undefined) resolve(url);
  });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

function failure(what: string, said: readonly string[]): Error {
  return new Error(`the server ${what}${said.map((line) => `\n  ${line}`).join("")}`);
}
