import type { Box } from "./box.ts";
import type { MemoryLimiter } from "./confinement.ts";

const MIB = 1024 * 1024;

/**
 * What a process needs besides `memoryBytes`, which is what its work may take: Node itself, results being encoded,
 * and in an engine the planning instance.
 */
const OWN_BYTES: Readonly<Record<Box["role"], number>> = { engine: 512 * MIB, ingest: 512 * MIB, isolate: 0 };
/** V8 sets this much aside for machine code when it starts, used or not, and RLIMIT_DATA counts it; with room. */
const CODE_BYTES = 768 * MIB;
/** An isolate process that compiles sets it aside for every isolate: for the running one and the one kept ready. */
const ISOLATES = 3;

/** The most that a process and all in its control group may hold. */
export function memoryLimitOf({ role, memoryBytes }: Box): number {
  return memoryBytes + OWN_BYTES[role];
}

/**
 * Limits of the process itself, as the launcher takes them. There is none on processor time: processes serve many jobs
 * and the wall clock of each is the supervisor's. None on the number of processes either: that counts all of a user's,
 * and the filters let nobody start one.
 *
 * RLIMIT_DATA is exact for an isolate process without a compiler, and set in any case: what it ends fails cleanly. For
 * others it is a coarse fence, for machines without control groups.
 */
export function rlimitsOf(box: Box, limiter: MemoryLimiter): string[] {
  return [
    "core=0",
    "files=1024",
    `stack=${8 * MIB}`,
    ...(box.role === "ingest" ? [] : [`fsize=${64 * MIB}`]),
    ...(box.jit && limiter !== "rlimit" ? [] : [`data=${dataLimitOf(box)}`]),
  ];
}

function dataLimitOf(box: Box): number {
  const compilers = box.role === "isolate" ? ISOLATES : 1;
  return memoryLimitOf(box) + (box.jit ? compilers * CODE_BYTES : 0);
}
