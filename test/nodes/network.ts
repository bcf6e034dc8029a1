/** A network of machines that are network namespaces: each has one link to a bridge, and a link can go down. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Test } from "tap";

export interface Machine {
  address: string;
  /** Stands before a command that is to run there. */
  within: readonly string[];
  /** As when its cable is pulled: what is sent is lost, and nobody is told. */
  cut(): void;
  mend(): void;
}

export interface Network {
  /** Addresses of the machine on which the test itself runs. */
  here: readonly [string, string];
  addMachine(name: string): Promise<Machine>;
}

const PREFIX = "10.77.0";
const BITS = 24;
const BRIDGE = "bridge";

/** Namespaces of its own for network, processes and mounts: with its first process everything in it ends. */
export const ALONE = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"] as const;

/** Why this machine cannot have such a network; false where it can. */
export function skipNetwork(): string | false {
  if (process.getuid?.() !== 0) return "network namespaces need root";
  const [command, ...words] = ALONE;
  const tried = ["sh", "-c", `ip link add name ${BRIDGE} type bridge && ip link add name a type veth peer name b`];
  try {
    execFileSync(command, [...words, ...tried], { stdio: "pipe" });
    return false;
  } catch (error) {
    const said = (error as { stderr?: Buffer }).stderr?.toString().trim().split("\n")[0] ?? "";
    return `no network can be made here: ${said === "" ? (error as Error).message : said}`;
  }
}

/** Changes the namespace that this process runs in: to be called in one of its own, which takes all of it along. */
export function layNetwork(t: Test): Network {
  const here = [`${PREFIX}.1`, `${PREFIX}.2`] as const;
  ip("link set lo up");
  ip(`link add name ${BRIDGE} type bridge`);
  for (const address of here) ip(`address add ${address}/${BITS} dev ${BRIDGE}`);
  ip(`link set ${BRIDGE} up`);
  let machines = 0;
  return {
    here,
    addMachine: async (name) => {
      machines += 1;
      return addMachine(t, { name, address: `${PREFIX}.${10 + machines}` });
    },
  };
}

/** One end of its link is its own, the other is here and bears its name. */
async function addMachine(t: Test, { name, address }: { name: string; address: string }): Promise<Machine> {
  const holder = await holdNamespace(t);
  const within = ["nsenter", `--net=/proc/${holder.pid}/ns/net`, "--"];
  const [command, ...words] = within;
  const there = (line: string) => execFileSync(command!, [...words, "ip", ...line.split(" ")], { stdio: "pipe" });
  ip(`link add name ${name} type veth peer name eth0 netns ${holder.pid}`);
  ip(`link set ${name} master ${BRIDGE}`);
  there("link set lo up");
  there(`address add ${address}/${BITS} dev eth0`);
  there("link set eth0 up");
  const set = (state: "up" | "down") => ip(`link set ${name} ${state}`);
  set("up");
  return { address, within, cut: () => set("down"), mend: () => set("up") };
}

/** A namespace lives as long as a process in it: this one ends with the pipe that it reads. */
async function holdNamespace(t: Test): Promise<ChildProcess> {
  const holder = spawn("unshare", ["--net", "cat"], { stdio: ["pipe", "ignore", "ignore"] });
  await once(holder, "spawn");
  t.teardown(async () => {
    holder.stdin.end();
    if (holder.exitCode === null) await once(holder, "exit");
  });
  const own = readlinkSync("/proc/self/ns/net");
  for (let tries = 0; readlinkSync(`/proc/${holder.pid}/ns/net`) === own; tries++) {
    if (tries === 200) throw new Error("no namespace was made");
    await sleep(10);
  }
  return holder;
}

function ip(line: string): void {
  execFileSync("ip", line.split(" "), { stdio: "pipe" });
}
