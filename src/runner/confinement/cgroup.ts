import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findOwnGroups } from "./cgroup-places.ts";
import { pidNamespace, startOf } from "./proc.ts";
import type { MemoryLimiter } from "./confinement.ts";

export interface GroupLimits {
  memoryBytes: number;
  /** Processes and threads. */
  tasks: number;
}

/** One process's control group: made before it, removed after it. */
export interface ControlGroup {
  /** Whoever writes "0" to each of these is in the group, and so is all that it starts. */
  readonly joinFiles: readonly string[];
  /** Whether the kernel ended a process of the group for its memory. */
  wasOutOfMemory(): boolean;
  /** Ends every process in it. */
  kill(): void;
  /** Removes it once it is empty; kills what is left in it. */
  remove(): Promise<void>;
}

/** What limits memory here: the first that a group can be made with. Moves this process when version 2 wants that. */
export function findLimiter(): MemoryLimiter {
  for (const limiter of ["cgroup-v2", "cgroup-v1"] as const) {
    try {
      const group = createGroup(limiter, { memoryBytes: 64 * 1024 * 1024, tasks: 8 });
      removeDirectories(group.directories);
      leaveRoot(group.directories);
      return limiter;
    } catch {
      // not there, or not ours to write
    }
  }
  return "rlimit";
}

let made = 0;

/** Makes a group below this process's own. Throws when that is not possible. */
export function createGroup(
  limiter: Exclude<MemoryLimiter, "rlimit">,
  limits: GroupLimits,
): ControlGroup & { directories: readonly string[] } {
  const parents = limiter === "cgroup-v2" ? [requireV2()] : requireV1();
  for (const parent of parents) sweep(dirname(parent));
  const directories = parents.map((parent) => join(parent, String(++made)));
  try {
    for (const directory of directories) mkdirSync(directory, { recursive: true, mode: 0o755 });
    if (limiter === "cgroup-v2") limitV2(directories[0]!, limits);
    else limitV1(directories, limits);
  } catch (error) {
    removeDirectories(directories);
    throw error;
  }
  return groupAt(directories, limiter);
}

function groupAt(directories: readonly string[], limiter: MemoryLimiter) {
  const kill = () => {
    if (limiter === "cgroup-v2") return writeIfThere(join(directories[0]!, "cgroup.kill"), "1");
    for (const pid of membersOf(directories)) killNow(pid);
  };
  return {
    directories,
    joinFiles: directories.map((directory) => join(directory, "cgroup.procs")),
    wasOutOfMemory: () => directories.some((directory) => oomKills(directory) > 0),
    kill,
    remove: async () => {
      for (let tries = 0; tries < REMOVE_TRIES && !removeDirectories(directories); tries++) {
        if (tries > 0) kill();
        await sleep(REMOVE_PAUSE_MS);
      }
      leaveRoot(directories);
    },
  };
}

const REMOVE_TRIES = 100;
const REMOVE_PAUSE_MS = 10;
const V1_CONTROLLERS = ["memory", "pids", "cpu"];
/** Of 1024, which is everybody's: the control plane goes first when processors are short. */
const V1_SHARES = "512";
const V2_WEIGHT = "50";
const SUPERVISOR = "sluice-supervisor";
const OURS = /^sluice-(\d+)-(\d+)-(\d+)$/;

/** Parents of this process's groups, named so that another can tell whether their owner is still there. */
function requireV1(): string[] {
  const own = findOwnGroups();
  return V1_CONTROLLERS.map((controller) => {
    const place = own.find(({ controllers }) => controllers.includes(controller));
    if (!place) throw new Error(`no control group for ${controller}`);
    return join(place.directory, rootName());
  });
}

function requireV2(): string {
  const place = findOwnGroups().find(({ controllers }) => controllers.length === 0);
  if (!place) throw new Error("no control group of version 2");
  const base = basename(place.directory) === SUPERVISOR ? dirname(place.directory) : place.directory;
  const enabled = () => readFileSync(join(base, "cgroup.subtree_control"), "utf8").split(/\s+/);
  if (!["memory", "pids", "cpu"].every((name) => enabled().includes(name))) enableV2(base);
  const parent = join(base, rootName());
  mkdirSync(parent, { recursive: true });
  writeFileSync(join(parent, "cgroup.subtree_control"), "+memory +pids +cpu");
  return parent;
}

/**
 * A group of version 2 that hands controllers on may hold no process itself: this one moves into a leaf. INVARIANT:
 * nobody else's process is moved; a group that is shared with others is left alone.
 */
function enableV2(base: string): void {
  const others = membersOf([base]).filter((pid) => pid !== process.pid);
  if (others.length > 0) throw new Error("other processes are in the control group");
  const leaf = join(base, SUPERVISOR);
  mkdirSync(leaf, { recursive: true });
  writeFileSync(join(leaf, "cgroup.procs"), String(process.pid));
  writeFileSync(join(base, "cgroup.subtree_control"), "+memory +pids +cpu");
}

function rootName(): string {
  return `sluice-${process.pid}-${startOf(process.pid) ?? "0"}-${pidNamespace()}`;
}

function limitV1(directories: readonly string[], { memoryBytes, tasks }: GroupLimits): void {
  const [memory, pids, cpu] = directories as [string, string, string];
  writeFileSync(join(memory, "memory.limit_in_bytes"), String(memoryBytes));
  // memory and swap together: nothing is swapped out. Absent where the kernel does not count swap.
  writeIfThere(join(memory, "memory.memsw.limit_in_bytes"), String(memoryBytes));
  writeFileSync(join(pids, "pids.max"), String(tasks));
  writeFileSync(join(cpu, "cpu.shares"), V1_SHARES);
}

function limitV2(directory: string, { memoryBytes, tasks }: GroupLimits): void {
  writeFileSync(join(directory, "memory.max"), String(memoryBytes));
  writeIfThere(join(directory, "memory.swap.max"), "0");
  writeFileSync(join(directory, "memory.oom.group"), "1");
  writeFileSync(join(directory, "pids.max"), String(tasks));
  writeFileSync(join(directory, "cpu.weight"), V2_WEIGHT);
}

/** `memory.events` (version 2) and `memory.oom_control` (version 1) have a line `oom_kill <count>`. */
function oomKills(directory: string): number {
  const texts = ["memory.events", "memory.oom_control"].map((name) => readIfThere(join(directory, name)));
  return Math.max(...texts.map((text) => Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0)));
}

const swept = new Set<string>();

/** Removes what a runner that was killed has left, once for each place; not what those of other containers have. */
function sweep(base: string): void {
  if (swept.has(base)) return;
  swept.add(base);
  for (const name of readdirSync(base)) {
    const [, pid, start, namespace] = OURS.exec(name) ?? [];
    if (namespace !== pidNamespace() || startOf(Number(pid)) === start) continue;
    const root = join(base, name);
    const groups = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const directories = groups.map((entry) => join(root, entry.name));
    for (const member of membersOf(directories)) killNow(member);
    if (removeDirectories(directories)) removeDirectories([root]);
  }
}

function membersOf(directories: readonly string[]): number[] {
  const texts = directories.map((directory) => readIfThere(join(directory, "cgroup.procs")));
  return [...new Set(texts.flatMap((text) => text.split("\n").filter(Boolean).map(Number)))];
}

function killNow(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended meanwhile
  }
}

/** The directory of this process's groups goes with the last of them. */
function leaveRoot(directories: readonly string[]): void {
  removeDirectories(directories.map((directory) => dirname(directory)));
}

function removeDirectories(directories: readonly string[]): boolean {
  return directories.map((directory) => removeDirectory(directory)).every(Boolean);
}

function removeDirectory(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function writeIfThere(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: "r+" });
  } catch (error) {
    if (!["ENOENT", "ENODEV", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}
