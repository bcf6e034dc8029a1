/** Finds processes by what they do, and kills them. */
import { readFileSync } from "node:fs";
import pg from "pg";
import { descendantsOf } from "../../src/runner/confinement/index.ts";
import type { Target } from "./target.ts";

export type Victim =
  | "control plane"
  | "runner"
  | "engine"
  | "isolate"
  | "renderer"
  | "ingest"
  | "database connection"
  | "database backend";

export const PROCESS_VICTIMS: readonly Victim[] = [
  "engine",
  "isolate",
  "runner",
  "renderer",
  "ingest",
  "control plane",
];
export const DATABASE_VICTIMS: readonly Victim[] = ["database connection", "database backend"];

/** Kills one of the kind with SIGKILL; false when there is none now. */
export async function kill(target: Target, victim: Victim): Promise<boolean> {
  if (victim === "database connection") return endConnections(target, 2);
  if (victim === "database backend") return killBackend(target);
  const pid = await findVictim(target, victim);
  if (pid === undefined) return false;
  try {
    process.kill(pid, "SIGKILL");
    return true;
  } catch {
    // it ended between the look and the call
    return false;
  }
}

async function findVictim(target: Target, victim: Victim): Promise<number | undefined> {
  const server = await target.pid();
  if (victim === "control plane") return server;
  const runner = findRunner(server);
  if (victim === "runner" || runner === undefined) return runner;
  const found = confinedOf(runner).filter(({ kind }) => kind === victim);
  return found[Math.floor(Math.random() * found.length)]?.pid;
}

export function findRunner(server: number): number | undefined {
  return descendantsOf(server).find((pid) => commandOf(pid).includes("bin/runner.ts"));
}

/** The programs themselves, innermost: whatever stands around one ends with it. */
function confinedOf(runner: number): { pid: number; kind: Victim }[] {
  return descendantsOf(runner)
    .filter((pid) => descendantsOf(pid).length === 0)
    .flatMap((pid) => {
      const command = commandOf(pid);
      const [, program] = /\/src\/bin\/(engine|isolate|ingest)\.js/.exec(command) ?? [];
      if (program === undefined) return [];
      const kind = program === "engine" && !readsProducts(pid) ? "renderer" : (program as Victim);
      return [{ pid, kind }];
    });
}

/** An engine that has data maps its files; one that renders tables has none. */
function readsProducts(pid: number): boolean {
  return readProc(pid, "maps").includes(".arrow");
}

function commandOf(pid: number): string {
  return readProc(pid, "cmdline").replaceAll("\0", " ");
}

function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "latin1");
  } catch {
    return "";
  }
}

async function asAdministrator<T>(target: Target, work: (client: pg.Client) => Promise<T>): Promise<T | undefined> {
  const client = new pg.Client({ connectionString: target.cluster!.url("postgres"), application_name: "faults" });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return await work(client);
  } catch {
    // the database is coming back from the last one
    return undefined;
  } finally {
    await client.end().catch(() => undefined);
  }
}

const OURS = "select pid from pg_stat_activity where application_name like 'sluice%' order by random() limit $1";

async function endConnections(target: Target, count: number): Promise<boolean> {
  const ended = await asAdministrator(target, async (client) => {
    const { rowCount } = await client.query(`select pg_terminate_backend(pid) from (${OURS}) p`, [count]);
    return (rowCount ?? 0) > 0;
  });
  return ended ?? false;
}

/** PostgreSQL ends all connections and recovers from its log when one of its processes is killed. */
async function killBackend(target: Target): Promise<boolean> {
  const pid = await asAdministrator(target, async (client) => {
    const { rows } = await client.query<{ pid: number }>(OURS, [1]);
    return rows[0]?.pid;
  });
  if (pid === undefined) return false;
  process.kill(pid, "SIGKILL");
  return true;
}
