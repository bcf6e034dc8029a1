import type { Box } from "./box.ts";
import type { MemoryLimiter } from "./confinement.ts";

const MIB = 1024 * 1024;

/**
 * Limits of the process itself, as the launcher takes them. There is none on processor time: processes serve many jobs
 * and the wall clock of each is the supervisor's. None on the number of processes either: that counts all of a user's,
 * and the filters let nobody start one.
 */
export function rlimitsOf(box: Box, _limiter: MemoryLimiter): string[] {
  return [
    "core=0",
    "files=1024",
    `stack=${8 * MIB}`,
    ...(box.role === "ingest" ? [] : [`fsize=${64 * MIB}`]),
    ...(box.role === "isolate" && !box.jit ? [`data=${box.memoryBytes}`] : []),
  ];
}
