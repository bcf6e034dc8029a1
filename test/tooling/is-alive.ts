import { readFileSync } from "node:fs";

/** False for a process that has ended, also when nobody has waited for it yet. */
export function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
