import { readFileSync, readlinkSync } from "node:fs";

/** What a process has used so far. */
export interface ProcessUsage {
  /** Processor time of all its threads, in steps of 10 ms. */
  cpuMs: number;
  /** The most memory that was resident at once, mapped files included. */
  peakMemoryBytes: number;
}

/** `USER_HZ` is 100 on every Linux of x86-64 and arm64, whatever the kernel's own clock is. */
const MS_PER_TICK = 10;
/** Places in /proc/<pid>/stat, counted from the field after the name (proc(5): fields 3, 14, 15 and 22). */
const STATE = 0;
const USER_TICKS = 11;
const SYSTEM_TICKS = 12;
const START_TICKS = 19;

/** Processor time and memory of a process; undefined when it is gone. */
export function usageOf(pid: number): ProcessUsage | undefined {
  const fields = statFields(pid);
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readProc(pid, "status") ?? "")?.[1];
  if (!fields || peak === undefined) return undefined;
  const ticks = Number(fields[USER_TICKS]) + Number(fields[SYSTEM_TICKS]);
  return { cpuMs: ticks * MS_PER_TICK, peakMemoryBytes: Number(peak) * 1024 };
}

/** When the process started, in ticks since the machine did; with its number that names it for ever. */
export function startOf(pid: number): string | undefined {
  return statFields(pid)?.[START_TICKS];
}

/**
 * The namespace in which this process's numbers mean anything: a container has one of its own. Whoever finds a number
 * that was noted in another one cannot tell whether its process lives.
 */
export function pidNamespace(): string {
  return /\d+/.exec(readlinkSync("/proc/self/ns/pid"))![0];
}

/** Children, and theirs, nearest first. A process that ended and was not waited for counts for none. */
export function descendantsOf(pid: number): number[] {
  const children = (readProc(pid, `task/${pid}/children`) ?? "").split(" ").filter(Boolean).map(Number);
  const living = children.filter((child) => statFields(child)?.[STATE] !== "Z");
  return [...living, ...living.flatMap((child) => descendantsOf(child))];
}

/** The name in the second field may hold blanks and brackets: the last bracket ends it. */
function statFields(pid: number): string[] | undefined {
  const text = readProc(pid, "stat");
  return text?.slice(text.lastIndexOf(")") + 2).split(" ");
}

function readProc(pid: number, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    // it has ended
    return undefined;
  }
}
