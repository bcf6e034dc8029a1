/** What processes used, from /proc: on a machine that others use too, processor time says more than the clock does. */
import { readFileSync } from "node:fs";
import { descendantsOf } from "../../src/runner/confinement/index.ts";

const TICK_MS = 10;

export interface TreeUse {
  cpuMs: number;
  residentBytes: number;
}

/** A process alone. */
export function useOf(pid: number): TreeUse {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
      .replace(/^.*\) /s, "")
      .split(" ");
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1")) ?? [];
    // user and system time, and that of children that were waited for
    const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0);
    return { cpuMs: ticks * TICK_MS, residentBytes: Number(kilobytes ?? 0) * 1024 };
  } catch {
    return { cpuMs: 0, residentBytes: 0 };
  }
}

/** Everything below a process. */
export function useBelow(pid: number): TreeUse {
  const total = { cpuMs: 0, residentBytes: 0 };
  for (const child of descendantsOf(pid)) {
    const { cpuMs, residentBytes } = useOf(child);
    total.cpuMs += cpuMs;
    total.residentBytes += residentBytes;
  }
  return total;
}

/** Processor time of PostgreSQL's server below a process, with its backends, those that have ended too. */
export function cpuOfPostgres(pid: number): number {
  const processes = descendantsOf(pid).filter((child) => /^(\S*\/)?postgres[: ]/.test(commandOf(child)));
  return processes.reduce((sum, child) => sum + useOf(child).cpuMs, 0);
}

export function findBelow(pid: number, words: string): number {
  const found = descendantsOf(pid).find((child) => commandOf(child).includes(words));
  if (found === undefined) throw new Error(`no process of ${words}`);
  return found;
}

function commandOf(pid: number | string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
