import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { appendFileSync, chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";

/** A private PostgreSQL server of this test process, on a loopback port. */
export interface PostgresCluster {
  /** Address of the database `name`. */
  url(name: string): string;
  /** Kills every process of the server at once, as a machine that loses its power does; the data stay. */
  crash(): Promise<void>;
  /** Stops every process of the server where it is, until the returned function is called. */
  freeze(): () => void;
  /** Starts it again on the same data and port. */
  start(): Promise<void>;
  /** Stops every connection and the server; the data are gone. */
  stop(): Promise<void>;
}

const INSTALL_ROOT = "/usr/lib/postgresql";
const START_TIMEOUT_MS = 30_000;
/** Durability is not what is tested with PostgreSQL: it is PostgreSQL's. */
const FAST = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];

/** Directory of the newest installed PostgreSQL's programs. */
export function findPostgres(): string | undefined {
  const versions = existsSync(INSTALL_ROOT) ? readdirSync(INSTALL_ROOT) : [];
  const newest = versions.filter((name) => /^\d+$/.test(name)).toSorted((a, b) => Number(b) - Number(a))[0];
  const directory = newest === undefined ? undefined : join(INSTALL_ROOT, newest, "bin");
  return directory !== undefined && existsSync(join(directory, "initdb")) ? directory : undefined;
}

export interface ClusterOptions {
  /** Commits are on the disk when they are acknowledged: for tests that kill the server. */
  durable?: boolean;
  /** A machine of its own for it: how a command is run there, and its address. */
  machine?: { within: readonly string[]; address: string };
}

export async function startPostgres(
  binaries: string,
  { durable = false, machine = { within: [], address: "127.0.0.1" } }: ClusterOptions = {},
): Promise<PostgresCluster> {
  const home = mkdtempSync(join(tmpdir(), "sluice-postgres-"));
  const owner = unprivilegedUser();
  if (owner) chownSync(home, owner.uid, owner.gid);
  const data = join(home, "data");
  const [initdb, ...initdbArguments] = as(owner, [
    join(binaries, "initdb"),
    "-D",
    data,
    "-U",
    "sluice",
    "-A",
    "trust",
    "-N",
    "-E",
    "UTF8",
    "--locale=C",
  ]);
  execFileSync(initdb, initdbArguments, { stdio: "pipe", cwd: home });
  if (machine.within.length > 0) appendFileSync(join(data, "pg_hba.conf"), "host all all samenet trust\n");
  const port = await freePort();
  const flags = [...(durable ? [] : FAST), "max_connections=60"];
  const settings = [...flags, `listen_addresses=${machine.address}`, `port=${port}`, `unix_socket_directories=${home}`];
  const command = [join(binaries, "postgres"), "-D", data, ...settings.flatMap((setting) => ["-c", setting])];
  const [postgres, ...postgresArguments] = [...machine.within, ...as(owner, command)] as [string, ...string[]];
  const url = (name: string) => `postgres://sluice@${machine.address}:${port}/${name}`;
  let server = spawn(postgres, postgresArguments, { stdio: "ignore", cwd: home });
  const remove = () => removeCluster(server, home);
  process.once("exit", remove);
  await waitUntilReady(server, url("postgres"));
  return {
    url,
    freeze: () => {
      const pids = processesOf(server.pid!);
      for (const pid of pids) process.kill(pid, "SIGSTOP");
      return () => {
        for (const pid of pids) process.kill(pid, "SIGCONT");
      };
    },
    crash: async () => end(server, "SIGQUIT"),
    start: async () => {
      server = spawn(postgres, postgresArguments, { stdio: "ignore", cwd: home });
      await waitUntilReady(server, url("postgres"));
    },
    stop: async () => {
      await end(server, "SIGINT");
      process.removeListener("exit", remove);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** The server's first process, then those that it has started. */
function processesOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return [pid, ...(children === "" ? [] : children.split(" ").map(Number))];
}

async function end(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise((resolve) => server.once("exit", resolve));
  server.kill(signal);
  await ended;
}

/** initdb and postgres refuse to run as root. */
function unprivilegedUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  return { uid: idOfPostgres("-u"), gid: idOfPostgres("-g") };
}

function idOfPostgres(flag: string): number {
  return Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
}

/** The server ends with this process, however this one ends. */
function as(owner: { uid: number; gid: number } | undefined, command: string[]): [string, ...string[]] {
  const user = owner ? [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, "--clear-groups"] : [];
  return ["setpriv", ...user, "--pdeathsig=INT", ...command];
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function waitUntilReady(server: ChildProcess, url: string): Promise<void> {
  const end = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < end) {
    if (server.exitCode !== null) throw new Error(`postgres ended with ${server.exitCode}`);
    if (await answers(url)) return;
    await sleep(50);
  }
  throw new Error("postgres does not answer");
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
}

function removeCluster(server: ChildProcess, home: string): void {
  server.kill("SIGQUIT");
  rmSync(home, { recursive: true, force: true });
}
